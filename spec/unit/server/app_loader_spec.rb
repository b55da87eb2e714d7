# frozen_string_literal: true

require "kino/server/app_loader"
require "tmpdir"

RSpec.describe Kino.const_get(:AppLoader) do
  around do |example|
    environment = ENV.to_h
    Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } }
  ensure
    ENV.replace(environment)
  end

  def load(text, environment: "test", path: "config.ru")
    File.write(path, text)
    described_class.load(path, environment)
  end

  def refusal(text)
    load(text)
    raise "this was taken:\n#{text}"
  rescue Kino::AppLoadError => error
    error
  end

  it "builds the app, with its middleware" do
    app = load(<<~RUBY)
      use Rack::Head
      map("/a") { run ->(env) { [200, {}, [env["PATH_INFO"]]] } }
    RUBY

    _status, _headers, body = app.call("REQUEST_METHOD" => "GET", "PATH_INFO" => "/a/b", "SCRIPT_NAME" => "")
    expect(body).to eq(["/b"])
  end

  it "puts the environment in RACK_ENV and leaves RAILS_ENV alone" do
    ENV.delete("RAILS_ENV")
    app = load("found = ENV.values_at('RACK_ENV', 'RAILS_ENV')\nrun ->(_) { found }", environment: "staging")

    expect(app.call({})).to eq(["staging", nil])
  end

  it "names the error, its message and where the app raised it" do
    error = refusal(<<~RUBY)
      def connect = raise(ArgumentError, "no database\\nat all")

      connect
    RUBY

    expect(error.message).to match(<<~TEXT.chomp.then { |text| Regexp.new("\\A#{text}") })
      config\\.ru could not be loaded: ArgumentError: no database
          at all
        config\\.ru:1:in .*
        config\\.ru:3:in .*
    TEXT
    expect(error.cause).to be_a(ArgumentError)
  end

  it "shows the app's own lines of a deep backtrace, first where it was raised" do
    File.write("deep.rb", "def deep(n) = n.zero? ? Integer('x') : deep(n - 1)\n")
    lines = refusal("require './deep'\ndeep(20)").message.lines(chomp: true)

    expect(lines.first).to start_with("config.ru could not be loaded: ArgumentError: invalid value for Integer()")
    expect(lines.drop(1)).to all(match(/\A  \S*(deep\.rb:1|config\.ru:2|kernel.*)/))
    expect(lines.size).to be_between(2, 6)
  end

  it "passes on what Ruby thinks was meant" do
    expect(refusal("runn ->(env) {}").message)
      .to match(/\Aconfig\.ru could not be loaded: NoMethodError: undefined method .runn.*Did you mean\?  run$/m)
  end

  it "names the place of a syntax error, and no frames" do
    message = refusal("run ->(env { }").message

    expect(message).to match(/\Aconfig\.ru could not be loaded: SyntaxError: .*config\.ru:1/m)
    expect(message).not_to include("rack/builder.rb")
  end

  it "survives what is no StandardError" do
    expect(refusal("require 'no/such/library'").message)
      .to start_with("config.ru could not be loaded: LoadError: cannot load such file -- no/such/library\n  ")
    expect(refusal("def round = round()\nround").message)
      .to start_with("config.ru could not be loaded: SystemStackError: stack level too deep\n  config.ru:1:in ")
  end

  it "lets an app end the process that wants to" do
    expect { load("exit 3") }.to raise_error(SystemExit)
  end

  it "refuses what can't be called, and says what to write" do
    expect(refusal('run "MyApp"').message)
      .to eq('config.ru: run was given "MyApp" (String), which doesn\'t respond to call; ' \
             'write run MyApp, or run ->(env) { [200, {}, ["hello"]] }')
  end

  it "refuses what can't even be asked" do
    expect(refusal("run BasicObject.new").message)
      .to match(/\Aconfig\.ru: run was given .* \(BasicObject\), which doesn't respond to call; write run MyApp/)
  end

  it "refuses a file that runs nothing" do
    expect(refusal("use Rack::Head").message).to start_with("config.ru could not be loaded: RuntimeError: missing run")
  end

  it "refuses a file that isn't there, and says what to do" do
    expect { described_class.load("config.ru", "test") }.to raise_error(
      Kino::AppLoadError,
      "config.ru: no such file in #{Dir.pwd}; start kino in the app's folder, name the file (kino PATH/config.ru), " \
      'or write one: run ->(env) { [200, {}, ["hello"]] }'
    )
  end

  it "refuses a folder" do
    expect { described_class.load(".", "test") }.to raise_error(Kino::AppLoadError, /\A\.: is not a file; start kino/)
  end
end
