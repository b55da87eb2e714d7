# frozen_string_literal: true

require "capybara"
require "net/http"
require "support/kino_process"

# The pieces of Ruby in doc/development.md, tried with an app that they are about.
RSpec.describe "Ruby in doc/development.md" do
  include KinoProcess::Helpers

  text = File.read(File.expand_path("../../../doc/development.md", __dir__))
  pieces = text.scan(/^```ruby\n(.*?)^```$/m).flatten

  def app = ->(env) { env["PATH_INFO"] == "/broken" ? raise("boom") : [200, {}, ["hello"]] }

  def assert_equal(expected, actual) = expect(actual).to(eq(expected))

  it "are four: two about TestServer, one about Capybara, one of settings" do
    expect(pieces.map { |piece| piece[/TestServer|Capybara|error_page/] })
      .to eq(%w[TestServer TestServer Capybara error_page])
  end

  it "serve a test" do
    ErrorLog.capture do |log|
      log.allow
      require "kino"
      pieces.first(2).each { |piece| eval(piece, binding) } # rubocop:disable Security/Eval
    end
  end

  it "have Capybara start Kino" do
    process = start("-e", "#{pieces[2]}puts Capybara.server.equal?(Capybara.servers[:kino])")
    expect([process.status, process.out]).to eq([0, "true\n"])
  end

  it "are a kino.rb" do
    require "kino"
    write("kino.rb", pieces[3])
    configuration = Kino::Configuration.load(Kino::Configuration::Layer.new, env: {}, path: "#{folder}/kino.rb")
    expect(configuration.error_page).to eq([])
  end
end
