# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "Kino, where nobody names a server" do
  include KinoProcess::Helpers

  root = File.expand_path("../../..", __dir__)

  # A bundle of its own: that of these specs has Puma.
  before do
    gems = %w[rackup sinatra railties webrick].map { |gem| "gem '#{gem}', require: false\n" }
    write("Gemfile", "source 'https://rubygems.org'\ngem 'kino', path: '#{root}', require: false\n#{gems.join}")
    write("config.ru", "require 'kino'\nrun ->(env) { [200, {}, [env['SERVER_SOFTWARE']]] }\n")
  end

  let(:notice) { /^Kino is the default server here, since neither Puma nor Falcon is in the bundle/ }

  def start(*arguments, env: {}, **options)
    super(*arguments, env: { "BUNDLE_GEMFILE" => "#{folder}/Gemfile", "RACKUP_HANDLER" => nil, **env }, **options)
  end

  def rackup(*arguments, **options)
    start("-rbundler/setup", "-e", "load Gem.bin_path('rackup', 'rackup')", "--", *arguments, **options)
  end

  # What that list of servers comes to.
  def picked(script, libraries, env: {})
    requires = libraries.map { |library| "require '#{library}'\n" }.join
    process = start("-rbundler/setup", "-e", "#{requires}p Rackup::Handler.#{script}", env: env)
    [process.status, process.out.chomp]
  end

  it "is what rackup starts, and says why" do
    process = rackup("-p", "0", "-o", "127.0.0.1")

    expect(process.get.body).to start_with("Kino/")
    expect(process.out).to match(notice)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is what Sinatra starts" do
    write("app.rb", <<~RUBY)
      require "kino"
      require "sinatra"
      set port: 0, bind: "127.0.0.1"
      get("/") { env["SERVER_SOFTWARE"] }
    RUBY
    process = start("-rbundler/setup", "app.rb")

    expect(process.get("/", "host" => "127.0.0.1").body).to start_with("Kino/")
    expect(process.out).to match(notice)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is what rails server starts" do
    write("config/application.rb", <<~RUBY)
      require "kino"
      require "rails"
      require "action_controller/railtie"
      class Greeter < Rails::Application
        config.load_defaults 7.2
        config.secret_key_base = "of no use to anyone" * 2
        config.logger = Logger.new($stderr)
        config.eager_load = false
        config.hosts.clear
        routes.append { root to: ->(env) { [200, {}, [env["SERVER_SOFTWARE"]]] } }
      end
    RUBY
    write("config.ru", "require_relative 'config/application'\nRails.application.initialize!\nrun Rails.application\n")
    write("bin/rails", "APP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n")
    process = start("-rbundler/setup", "bin/rails", "server", "-p", "0")

    expect(process.get.body).to start_with("Kino/")
    expect(process.out).to match(/^=> Booting Kino$/).and match(notice)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "gives way to whoever names one, and says nothing then" do
    process = rackup("-s", "kino", "-p", "0", "-o", "127.0.0.1")
    expect(process.get.status).to eq(200)
    expect(process.out).not_to match(notice)

    expect(picked("get('webrick')", %w[rackup kino])).to eq([0, "Rackup::Handler::WEBrick"])
    expect(picked("pick(%w[webrick])", %w[rackup kino])).to eq([0, "Rackup::Handler::WEBrick"])
    expect(picked("pick(%w[thin webrick])", %w[rackup kino])).to eq([0, "Rackup::Handler::WEBrick"])
    expect(picked("default", %w[rackup kino], env: { "RACKUP_HANDLER" => "webrick" }))
      .to eq([0, "Rackup::Handler::WEBrick"])
    expect(picked("pick(%i[puma webrick])", %w[rackup kino], env: { "RACKUP_HANDLER" => "webrick" }))
      .to eq([0, "Rackup::Handler::WEBrick"])
  end

  it "gives way to Puma, where that is in the bundle" do
    File.write("#{folder}/Gemfile", "gem 'puma', require: false\n", mode: "a")

    expect(picked("default", %w[rackup kino])).to eq([0, "Rackup::Handler::Puma"])
  end

  it "is picked whichever is required first" do
    expect(picked("default", %w[rackup kino])).to eq([0, "Rackup::Handler::Kino"])
    expect(picked("default", %w[kino rackup])).to eq([0, "Rackup::Handler::Kino"])
  end
end
