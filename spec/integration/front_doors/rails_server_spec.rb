# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "rails server -u kino" do
  include KinoProcesses

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
        again = File.exist?("again")
        routes.append { root to: ->(_) { [200, {}, ["hello from \#{Rails.env}\#{" again" if again}"]] } }
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

  describe "with several processes" do
    before { write("kino.rb", "port 0\nthreads 2\nprocesses 2\n") }

    def pid_file = "#{folder}/tmp/pids/server.pid"

    it "forks them, and Rails' own pid file stays the server's until that ends" do
      process = rails_server
      process.wait_for(/^Ctrl-C/)
      expect(process.out).to include("2 processes x threaded: 1 worker x 2 threads, development)")
      first = serving(process).first
      Process.kill(:TERM, first)
      eventually("another serves") { !alive?(first) && serving(process).size == 2 }

      expect(File.read(pid_file).to_i).to eq(process.pid)
      expect(process.signal(:TERM).status).to eq(0)
      expect(File.exist?(pid_file)).to be(false)
      expect(process.err).to eq("")
    end

    it "boots the app anew on USR1, and starts another server on USR2" do
      process = rails_server
      process.wait_for(/^Ctrl-C/)
      write("again", "")
      process.signal(:USR1).wait_for(/^Restarted/)
      expect(process.get.body).to eq("hello from development again")
      expect(File.read(pid_file).to_i).to eq(process.pid)

      File.delete("#{folder}/again")
      process.signal(:USR2)
      expect(process.status_alone).to eq(0)
      expect(process.get.body).to eq("hello from development")
      successor = process.out.scan(/, pid (\d+)$/).flatten.last.to_i
      Process.kill(:TERM, successor)
      eventually("it has ended") { !alive?(successor) }
      expect(process.err).to eq("")
    ensure
      Process.kill(:KILL, successor) if successor && alive?(successor)
    end
  end
end
