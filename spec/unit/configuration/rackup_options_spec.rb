# frozen_string_literal: true

require "kino/configuration/rackup_options"
require "tmpdir"

RSpec.describe Kino.const_get(:RackupOptions) do
  around do |example|
    environment = ENV.to_h
    %w[PORT WEB_CONCURRENCY RAILS_MAX_THREADS APP_ENV RACK_ENV RAILS_ENV].each { |name| ENV.delete(name) }
    Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } }
  ensure
    ENV.replace(environment)
  end

  # What rackup 2 passes when nothing is given.
  let(:rackup) do
    { environment: "development", pid: nil, Port: 9292, Host: "localhost", AccessLog: [], config: "/app/config.ru" }
  end

  # What Rails 7.2 passes when nothing is given.
  let(:rails) do
    { user_supplied_options: [], server: "kino", log_stdout: true, Port: 3000, Host: "localhost",
      DoNotReverseLookup: true, config: "config.ru", environment: "development", daemonize: false, pid: "/app/pid",
      caching: nil, restart_cmd: "bin/rails server -u kino --restart", early_hints: nil }
  end

  def configuration(options) = described_class.new(options).configuration

  it "listens where rackup and Rails would" do
    expect(configuration(rackup).bind).to eq(["tcp://localhost:9292"])
    expect(configuration(rails).bind).to eq(["tcp://localhost:3000"])
    expect(configuration(rackup.merge(environment: "production", Host: "0.0.0.0")).bind).to eq(["tcp://0.0.0.0:9292"])
  end

  it "takes their defaults for what they are: the environment and kino.rb win" do
    File.write("kino.rb", "port 4000")
    [rackup, rails].each { |options| expect(configuration(options).bind).to eq(["tcp://localhost:4000"]) }

    ENV["PORT"] = "5000"
    [rackup, rails].each { |options| expect(configuration(options).bind).to eq(["tcp://localhost:5000"]) }
  end

  it "takes what their users gave before the environment and kino.rb" do
    File.write("kino.rb", "bind 'tcp://127.0.0.1:4000'")
    ENV["PORT"] = "5000"

    expect(configuration(rackup.merge(Port: "9292")).bind).to eq(["tcp://127.0.0.1:9292"])
    expect(configuration(rackup.merge(Host: "::1", Port: "80")).bind).to eq(["tcp://[::1]:80"])
    expect(configuration(rails.merge(user_supplied_options: %i[Port])).bind).to eq(["tcp://127.0.0.1:3000"])
    expect(configuration(rails.merge(user_supplied_options: %i[Host Port], Host: "0.0.0.0")).bind)
      .to eq(["tcp://0.0.0.0:3000"])
  end

  it "takes what any other caller passes for given" do
    ENV["PORT"] = "5000"

    expect(configuration(Host: "localhost", Port: 9292).bind).to eq(["tcp://localhost:9292"])
    expect(configuration({}).bind).to eq(["tcp://[::]:5000"])
  end

  it "looks at what bin/rails restart touches, unless kino.rb says otherwise" do
    expect(configuration(rails).restart_file).to eq("tmp/restart.txt")
    expect(configuration(rackup).restart_file).to be_nil
    { "nil" => nil, "'again.txt'" => "again.txt" }.each do |said, file|
      File.write("kino.rb", "restart_file #{said}")
      expect(configuration(rails).restart_file).to eq(file)
    end
  end

  it "takes a path for a host" do
    expect(configuration(rackup.merge(Host: "/run/app.sock")).bind).to eq(["unix:///run/app.sock"])
    expect(configuration(rackup.merge(Host: "unix:///run/app.sock")).bind).to eq(["unix:///run/app.sock"])
    expect(configuration(rackup.merge(Host: "ssl://localhost?cert=/c&key=/k", Port: 3000)).bind)
      .to eq(["ssl://localhost:3000?cert=/c&key=/k"])
    expect(configuration(rackup.merge(Host: "ssl://[::1]:3001", Port: 3000)).bind).to eq(["ssl://[::1]:3001"])
  end

  it "takes every setting, as text" do
    options = rackup.merge(workers: "2", threads: "8", mode: "threaded", shutdown_timeout: "5", max_body_size: "nil",
                           environment: "production", bind: "unix:///run/app.sock", processes: "3", preload: "false",
                           refork_after: "1000,false", recycle_memory: "512MB")

    expect(configuration(options)).to have_attributes(
      workers: 2, threads: 8, mode: :threaded, shutdown_timeout: 5, max_body_size: nil, environment: "production",
      bind: ["unix:///run/app.sock"], processes: 3, preload: false, refork_after: [1000, false],
      recycle_memory: 512 * 1024**2
    )
  end

  it "lists them all for rackup -h" do
    names = described_class.valid.keys.map { |option| option[/\A\w+/] }
    hooks = %w[on_worker_boot on_worker_stop on_thread_boot on_drain on_error lowlevel_error_handler logger before_fork
               on_warmup on_process_boot on_process_exit on_refork tls]
    settings = Kino::Configuration.new.to_h.keys.map(&:to_s) - hooks - %w[rackup]

    expect(names).to eq(["Host", "Port", *settings, "config_file"])
    expect(described_class.valid)
      .to include("threads=N" => "threads in each worker, or MIN:MAX (default 5; 1 in mode :ractor)")
  end

  it "is quiet when the caller is" do
    expect(configuration(Silent: true).quiet).to be(true)
    expect(configuration(rackup.merge(quiet: true)).quiet).to be(true)
    expect(configuration(rackup).quiet).to be(false)
  end

  it "reads another configuration file, or none" do
    File.write("kino.rb", "threads 3")
    File.write("other.rb", "threads 4")

    expect(configuration(rackup.merge(config_file: "other.rb")).threads).to eq(4)
    expect(configuration(rackup.merge(config_file: "-")).threads).to eq(5)
  end

  it "passes over what other servers know" do
    expect(configuration(AccessLog: [], Logger: nil, Verbose: true, something_else_entirely: 1))
      .to eq(Kino::Configuration.new)
  end

  it "refuses a slip, and a value that isn't allowed" do
    expect { configuration(rackup.merge(treads: "5")) }
      .to raise_error(Kino::ConfigurationError, "-O treads: there is no such setting; did you mean threads?")
    expect { configuration(rackup.merge(threads: "0")) }
      .to raise_error(Kino::ConfigurationError,
                      '-O threads: given "0", allowed: an Integer from 1 to 1024, or MIN:MAX; write -O threads=5')
  end
end
