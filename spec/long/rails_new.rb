# frozen_string_literal: true

require "open3"
require "tmpdir"
require_relative "moving_in"

# What `rails new` makes, with a resource that `rails generate scaffold` makes, and its system tests in Chromium.
RSpec.describe "An app of rails new" do
  include MovingIn::Helpers

  # Debian's gems have nothing for these.
  without = %w[javascript hotwire asset-pipeline jbuilder bootsnap brakeman rubocop ci docker git dev-gems action-cable
               keeps]
            .map { |name| "--skip-#{name}" }

  def self.browser = ENV["PATH"].split(":").map { |folder| "#{folder}/chromium" }.find { |path| File.executable?(path) }

  before(:context) do
    @made = Dir.mktmpdir("kino-long")
    skip "there is no Chromium: apt-get install chromium" unless self.class.browser
    # What drives it, in Rails' own way.
    debian = DebianPackages.new("selenium", %w[chromium-driver ruby-selenium-webdriver ruby-childprocess ruby-websocket
                                               ruby-zip ruby-ffi])
    @environment = { **debian.ruby_environment, "SELENIUM_DRIVER" => "#{debian.root}/usr/bin/chromedriver" }
    @app = "#{@made}/shop"
    run_in(@made, @environment, "rails", "new", @app, "--quiet", "--skip-bundle", *without)
    drive_in_chromium
  rescue DebianPackages::Missing => error
    skip error.message
  end

  after(:context) { FileUtils.rm_rf(@made) }

  # As root Chromium has no sandbox; and selenium would fetch a driver where it isn't told of one.
  def drive_in_chromium
    move_to("puma", @app, @environment)
    rails("generate", "scaffold", "product", "name", "price:integer")
    rails("db:prepare")
    path = "#{@app}/test/application_system_test_case.rb"
    File.write(path, <<~RUBY)
      require "test_helper"

      # Debian's selenium is older than what Rails asks for the driver's place.
      module Selenium::WebDriver::DriverFinder
        def self.path(*) = ENV.fetch("SELENIUM_DRIVER")
      end
      Selenium::WebDriver::Chrome.path = #{self.class.browser.dump}

      class ApplicationSystemTestCase < ActionDispatch::SystemTestCase
        driven_by :selenium, using: :headless_chrome, screen_size: [1400, 1400] do |options|
          %w[--no-sandbox --disable-dev-shm-usage].each { |flag| options.add_argument(flag) }
        end
        teardown { puts "served by \#{Rails.application.config.x.served}" }
      end
    RUBY
    settings = "#{@app}/config/database.yml"
    File.write(settings, File.read(settings).sub(/# database: path.*/, "database: storage/production.sqlite3"))
    File.write("#{@app}/config/initializers/served.rb", <<~RUBY)
      served = Class.new do
        def initialize(app) = @app = app
        def call(env) = @app.call(env).tap { Rails.application.config.x.served = env["SERVER_SOFTWARE"] }
      end
      Rails.application.config.middleware.use served
    RUBY
  end

  def rails(*words, env: {}) = run_in(@app, @environment.merge(env), "bin/rails", *words)

  # The server that its tests had, and how many passed.
  def system_tests
    said = rails("test:all")
    expect(said).to match(/\b0 failures, 0 errors, 0 skips/)
    [said.scan(/^served by (\w+)/i).flatten.map(&:downcase).uniq, said[/(\d+) runs/, 1].to_i]
  end

  # Starts `rails server`, asks it for a page and has it restarted, as it was before with Puma.
  def served(env = {})
    server = serve_in(@app, @environment.merge(env), "bin/rails", "server", "-p", (port = free_port).to_s)
    url = "http://127.0.0.1:#{port}"
    eventually("it listens") { !refused?(url) }
    pages = Browser.open(url) do |browser|
      [browser.get("/products/new").body[/<h1>(.*)<\/h1>/, 1], make(browser).body[/(Yes|No) tea/],
       browser.get("/up").code]
    end
    rails("restart")
    eventually("another serves") { server.out.scan(/^(?:Kino|Puma starting|Listening on|\* Puma version).*/).size > 1 }
    eventually("it answers") { Browser.open(url) { |browser| browser.get("/up").code } == "200" }
    pages
  ensure
    pid = File.read("#{@app}/tmp/pids/server.pid").to_i
    Process.kill(:TERM, pid)
    eventually("it has ended") { !File.exist?("/proc/#{pid}") }
  end

  def make(browser)
    page = browser.get("/products/new")
    browser.post("/products", { "authenticity_token" => page.body[/name="authenticity_token" value="([^"]+)"/, 1],
                                "product[name]" => "Yes tea", "product[price]" => "3" })
  end

  it "is moved to Kino and back by one line: system tests, rails server and restart go on" do
    expect(system_tests).to match([["puma"], be >= 11])
    before = served

    move_to("kino", @app, @environment)
    expect(system_tests).to match([["kino"], be >= 11])
    expect(served).to eq(before)

    move_to("puma", @app, @environment)
    expect(system_tests.first).to eq(["puma"])
  end

  it "serves in production with kino, whose kino.rb the generator writes" do
    move_to("kino", @app, @environment)
    rails("generate", "kino:install")
    production = { "RAILS_ENV" => "production", "SECRET_KEY_BASE" => "of no use to anyone" * 2 }
    rails("db:prepare", env: production)
    process = serve_in(@app, @environment.merge(production), "bundle", "exec", "kino", "--processes", "2",
                       "-b", "tcp://127.0.0.1:0")
    answers = RawClient.open(process.url) do |client|
      [client.get("/up", "x-forwarded-proto" => "https").status, client.get("/up").status]
    end
    expect(answers).to eq([200, 301])
    expect(process.signal(:TERM).status).to eq(0)
  end
end
