# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "rails server -u kino" do
  include KinoProcess::Helpers

  before do
    write("config/application.rb", <<~RUBY)
      require "rails"
      require "action_controller/railtie"
      class Greeter < Rails::Application
        config.load_defaults 7.2
        config.eager_load = false
        config.secret_key_base = "of no use to anyone" * 2
        config.logger = Logger.new($stderr)
        config.log_level = :error
        config.hosts.clear
        routes.append { root to: ->(_) { [200, {}, ["hello from \#{Rails.env}"]] } }
      end
    RUBY
    write("config.ru", "require_relative 'config/application'\nRails.application.initialize!\nrun Rails.application\n")
    write("bin/rails", "APP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n")
  end

  def rails_server(*arguments, **options) = start("bin/rails", "server", "-u", "kino", *arguments, **options)

  it "serves the app where Rails is told to, and stops as Rails does" do
    process = rails_server("-p", "0", "-b", "127.0.0.1", "-e", "production")

    expect(process.get.body).to eq("hello from production")
    expect(process.out).to match(/^=> Booting Kino$/)
    expect(process.out).to match(/^Listening on http:\/\/127\.0\.0\.1:[1-9]\d*$/)
    expect(process.signal(:INT).status).to eq(0)
    expect(process.out).to end_with("Stopped\nExiting\n")
    expect(process.err).to eq("")
  end

  it "follows kino.rb and the environment" do
    write("kino.rb", "port 0\nworkers 1\nthreads 2\n")
    process = rails_server(env: { "RAILS_MAX_THREADS" => "3" })

    expect(process.get.body).to eq("hello from development")
    expect(process.out).to include("1 worker x 3 threads, development)")
    expect(File.exist?("#{folder}/tmp/pids/server.pid")).to be(true)
    expect(process.signal(:TERM).status).to eq(0)
    expect(File.exist?("#{folder}/tmp/pids/server.pid")).to be(false)
  end
end
