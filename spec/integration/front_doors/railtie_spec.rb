# frozen_string_literal: true

require "support/kino_process"
require "support/rails_new"

RSpec.describe "Kino's Railtie" do
  include KinoProcess::Helpers

  before do
    RailsNew.copy_to(folder, database: true)
    write("config/database.yml", <<~YAML)
      default: &default
        adapter: sqlite3
        pool: 5
      development:
        primary: { <<: *default, database: storage/development.sqlite3 }
        animals: { <<: *default, database: storage/animals.sqlite3, pool: 3 }
      production:
        <<: *default
        database: storage/production.sqlite3
    YAML
  end

  def rails(*arguments) = start("bin/rails", *arguments, env: RailsNew::ENVIRONMENT)

  def server(environment, *arguments)
    write("config/kino.rb", "port 0\nbind \"tcp://127.0.0.1:0\"\nthreads 8\n")
    process = rails("server", "-u", "kino", "-e", environment, "-P", "my.pid", *arguments)
    process.wait_for(/^Ctrl-C/)
    expect(process.signal(:TERM).status).to eq(0)
    process
  end

  let(:warning) do
    %r{the database pool of animals has 3 connections for 8 threads, .*; write pool: 8 in config/database}
  end

  it "names a pool that is smaller than the threads in the app's log, and once where whoever starts it looks" do
    process = server("development")

    expect(File.read("#{folder}/log/development.log").scan(/^Kino: #{warning}/).size).to eq(1)
    expect("#{process.out}#{process.err}".scan(warning).size).to eq(1)
  end

  it "has it on standard error where the log is a file" do
    File.write("#{folder}/config/environments/production.rb", <<~RUBY)
      Rails.application.configure do
        config.eager_load = true
        config.logger = ActiveSupport::Logger.new("log/production.log")
      end
    RUBY
    process = server("production")

    pattern = /the database pool has 5 connections for 8 threads/
    expect(process.err).to match(/^kino: warning: #{pattern}/)
    expect(File.read("#{folder}/log/production.log").scan(/^Kino: #{pattern}/).size).to eq(1)
  end

  it "says nothing where the pool is large enough, nor where no server is started" do
    File.write("#{folder}/config/database.yml", File.read("#{folder}/config/database.yml").gsub(/pool: \d/, "pool: 8"))
    expect(server("development").out).not_to include("pool")

    File.write("#{folder}/config/database.yml", File.read("#{folder}/config/database.yml").gsub("pool: 8", "pool: 1"))
    process = rails("runner", "puts ActiveRecord.autoload?(:Base).inspect")
    expect([process.status, process.err]).to eq([0, ""])
    expect(File.read("#{folder}/log/development.log")).not_to include("Kino:")
  end

  it "has the same said with kino, which is there before Rails is, and with several processes" do
    write("config/kino.rb", "threads 8\nprocesses 2\n")
    process = kino("-b", "tcp://127.0.0.1:0", env: RailsNew::ENVIRONMENT)
    process.wait_for(/^Ctrl-C/)
    expect(process.signal(:TERM).status).to eq(0)

    expect(File.read("#{folder}/log/development.log").scan(/^Kino: #{warning}/).size).to eq(1)
    expect(process.err.scan(/^kino: warning: #{warning}/).size).to eq(1)
  end

  it "sets nothing, and loads nothing of the app" do
    look = <<~'RUBY'
      plain = [String, Symbol, Numeric, TrueClass, FalseClass, NilClass, Array]
      settings = Rails.application.config.instance_variables.sort.map do |name|
        value = Rails.application.config.instance_variable_get(name)
        [name, plain.any? { |kind| kind === value } ? value : value.class]
      end
      p settings, Rails.application.middleware.map(&:inspect), ActiveRecord.autoload?(:Base),
        Rails.application.initializers.map(&:name).grep(/kino/i)
    RUBY
    with = rails("runner", look)
    expect(with.status).to eq(0)
    application = File.read("#{folder}/config/application.rb")
    write("config/application.rb", application.sub("Bundler.require", "# Bundler.require"))
    without = rails("runner", "abort if defined?(Kino::Server); #{look}")
    expect(without.status).to eq(0)
    expect(without.out).to eq(with.out)
  end
end
