# frozen_string_literal: true

require "kino/configuration"
require "support/kino_process"

RSpec.describe "where settings come from" do
  include KinoProcess::Helpers

  before { write("config.ru", 'run ->(env) { [200, {}, [ENV["RACK_ENV"]]] }') }

  # How many of each, the environment and the port, as a server started like this tells them.
  def told(*arguments, **options)
    process = kino(*arguments, **options)
    line = /(?:, (\d+) processes x )?\w+: (\d+) workers? x (\d+) threads?, (\w+)\)/
    several, *numbers = process.wait_for(line).captures
    expect(process.get.body).to eq(numbers.last)
    [several || "1", *numbers, Integer(process.url[/\d+\z/])]
  ensure
    process&.kill
  end

  it "is flags, then the environment, then kino.rb, then the defaults" do
    in_file, in_env, in_flag = Array.new(3) { free_port }
    write("kino.rb", "port #{in_file}\nprocesses 2\nworkers 2\nthreads 2\nenvironment 'infile'\n")
    env = { "PORT" => in_env.to_s, "WEB_CONCURRENCY" => "3", "RAILS_MAX_THREADS" => "3", "RACK_ENV" => "inenv" }
    flags = ["-p", in_flag.to_s, "--processes", "1", "-w", "4", "-t", "4", "-e", "inflag"]

    expect(told).to eq(["2", "2", "2", "infile", in_file])
    expect(told(env: env)).to eq(["3", "2", "3", "inenv", in_env])
    expect(told(*flags, env: env)).to eq(["1", "4", "4", "inflag", in_flag])
    expect(told("-C", "-", "-p", "0").first(4)).to eq(["1", "1", "5", "development"])
  end

  it "is WEB_CONCURRENCY for processes, and for workers where those are ractors" do
    told_of = lambda do |*arguments|
      process = kino("-p", "0", *arguments, env: { "WEB_CONCURRENCY" => "3" })
      process.wait_for(/^Ctrl-C/)
      process.out
    ensure
      process&.kill
    end
    write("config.ru", "module Hello\n  def self.call(_) = [200, {}, ['hello']]\nend\nrun Hello\n")

    expect(told_of.call).to match(/, 3 processes x threaded: 1 worker x 5 threads,.*\nListening/)
    expect(told_of.call("-w", "2")).to match(/, 3 processes x threaded: 2 workers.*^2 workers share one lock in mode/m)
    expect(told_of.call("--processes", "1")).to match(/\d, threaded: 1 worker x 5 threads,.*\nListening/)
    expect(told_of.call("-m", "ractor")).to match(/\d, ractor: 3 workers x 1 thread,.*\nListening/)
    expect(told_of.call("-m", "ractor", "--processes", "2")).to match(/, 2 processes x ractor: 3 workers x 1 thread,/)
  end

  it "is WEB_CONCURRENCY or nothing that is served, where that says no number" do
    process = kino("-p", "0", env: { "WEB_CONCURRENCY" => "two" })

    expect(process.status).to eq(1)
    expect(process.err).to eq("kino: WEB_CONCURRENCY: given \"two\", allowed: an Integer from 1 to 256 or auto; " \
                              "write WEB_CONCURRENCY=4\n")
  end

  it "is RAILS_ENV where RACK_ENV is not set" do
    expect(told("-p", "0", env: { "RAILS_ENV" => "staging" })[3]).to eq("staging")
  end

  it "is APP_ENV before RACK_ENV, in which the app finds it, too" do
    expect(told("-p", "0", env: { "APP_ENV" => "production", "RACK_ENV" => "test" })[3]).to eq("production")
  end

  it "is config/kino.rb where there is no kino.rb, and another file where one is named" do
    write("config/kino.rb", "port 0\nthreads 6\n")
    write("other.rb", "port 0\nthreads 7\n")

    expect(told[2]).to eq("6")
    expect(told("-C", "other.rb")[2]).to eq("7")
  end

  it "is every interface for PORT where nobody names a host, as the start says" do
    process = kino("-t", "1", env: { "PORT" => free_port.to_s })

    expect(process.url).to match(%r{\Ahttp://(\[::\]|0\.0\.0\.0):\d+\z})
    expect(process.out).to match(/^PORT is set and no host: on every interface/)
    expect(process.get.status).to eq(200)
    process.kill
    expect(kino("-p", "0").tap(&:url).out).not_to include("interface")
  end

  it "lets PORT move the address in kino.rb, and -b replace it" do
    write("kino.rb", "bind 'tcp://127.0.0.1:1'\n")
    in_env, in_flag = free_port, free_port

    expect(told(env: { "PORT" => in_env.to_s }).last).to eq(in_env)
    expect(told("-b", "127.0.0.1:#{in_flag}", env: { "PORT" => in_env.to_s }).last).to eq(in_flag)
  end
end
