# frozen_string_literal: true

require "kino/configuration"
require "tmpdir"

RSpec.describe Kino::Configuration::DSL do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  def write(text, path = "kino.rb")
    Dir.mkdir(File.dirname(path)) unless Dir.exist?(File.dirname(path))
    File.write(path, text)
  end

  def configuration(path = nil) = Kino::Configuration.from([described_class.load(path)])

  def refusal(text)
    write(text)
    configuration
    raise "this was taken:\n#{text}"
  rescue Kino::ConfigurationError => error
    error.message
  end

  it "has every setting as a word" do
    write(<<~RUBY)
      bind "tcp://0.0.0.0:3000"
      bind "unix:///run/app.sock"
      mode :threaded
      workers 2
      threads 4
      environment "production"
      rackup "app.ru"
      quiet true
      max_header_size 2048
      max_headers 10
      max_uri_size 100
      max_body_size nil
      stream_bodies %w[/uploads]
      underscore_headers true
      body_buffer 1024
      spool_dir "/tmp"
      spool_limit 1_000_000
      max_connections 100
      queue_depth 10
      max_keepalive_requests 100
      header_timeout 1
      body_timeout 2
      body_min_rate 0
      queue_timeout 6
      request_timeout 7
      keepalive_timeout 3
      write_timeout 4
      write_min_rate 100
      stuck_timeout 60
      shutdown_timeout 0.5
      drain_delay 8
      lowlevel_error_handler nil
    RUBY

    expect(configuration.to_h.except(:on_worker_boot, :on_worker_stop, :on_drain, :on_error)).to eq(
      bind: %w[tcp://0.0.0.0:3000 unix:///run/app.sock], mode: :threaded, workers: 2, threads: 4,
      environment: "production", rackup: "app.ru", quiet: true, max_header_size: 2048, max_headers: 10,
      max_uri_size: 100, max_body_size: nil, body_buffer: 1024, spool_dir: "/tmp", spool_limit: 1_000_000,
      max_connections: 100, write_min_rate: 100,
      queue_depth: 10, header_timeout: 1, body_timeout: 2, keepalive_timeout: 3, write_timeout: 4, stuck_timeout: 60,
      shutdown_timeout: 0.5, drain_delay: 8, stream_bodies: ["/uploads"], underscore_headers: true,
      max_keepalive_requests: 100, body_min_rate: 0, queue_timeout: 6, request_timeout: 7,
      lowlevel_error_handler: nil
    )
  end

  describe "its hooks" do
    it "are blocks, or objects, each as many as there are, in their order" do
      write(<<~RUBY)
        on_worker_boot { |worker| "first \#{worker}" }
        on_worker_boot String.method(:new)
        on_worker_stop(->(worker) { "stopped \#{worker}" })
        on_worker_boot do |worker|
          "last \#{worker}"
        end
      RUBY

      expect(configuration.on_worker_boot.map { |hook| hook.call("1") }).to eq(["first 1", "1", "last 1"])
      expect(configuration.on_worker_stop.map { |hook| hook.call("1") }).to eq(["stopped 1"])
    end

    it "are called with nothing where there is nothing to tell" do
      write('on_drain { "drained" }')

      expect(configuration.on_drain.map(&:call)).to eq(["drained"])
    end

    it "are one where only one can make an answer, the last" do
      write(<<~RUBY)
        lowlevel_error_handler { |error| "not \#{error}" }
        lowlevel_error_handler { |error| "of \#{error}" }
        on_error { |error, env| [error, env] }
        on_error(->(error) { error })
      RUBY

      expect(configuration.lowlevel_error_handler.call("boom")).to eq("of boom")
      expect(configuration.on_error.size).to eq(2)
    end

    it "are none where none is written" do
      expect(configuration).to have_attributes(on_worker_boot: [], on_worker_stop: [], on_error: [],
                                               lowlevel_error_handler: nil)
    end

    it "can be shared between ractors" do
      write('greeting = "worker".freeze' "\n" 'on_worker_boot { |worker| "#{greeting} #{worker}" }')
      hook = Ractor.make_shareable(configuration.on_worker_boot.first)

      expect(Ractor.shareable?(hook)).to be(true)
      expect(hook.call(1)).to eq("worker 1")
    end

    it "are refused without anything to call, and with more than one thing" do
      cure = 'write on_worker_boot { |worker| warn "worker #{worker}" }'

      expect(refusal("on_worker_boot")).to eq("kino.rb:1: on_worker_boot needs a value; #{cure}")
      expect(refusal("on_worker_boot :connect"))
        .to eq("kino.rb:1: on_worker_boot: given :connect, allowed: a block, or an object with a method call; #{cure}")
      expect(refusal("\non_worker_boot(5) { }")).to start_with("kino.rb:2: on_worker_boot takes one value, given 5, #<")
    end
  end

  it "has port and host" do
    write("port 3000\nhost '0.0.0.0'")

    expect(configuration.bind).to eq(["tcp://0.0.0.0:3000"])
  end

  it "is plain Ruby" do
    write(<<~RUBY)
      require "json"
      number = JSON.parse("[3]").first
      threads number + 1 if ENV.key?("PATH")
      workers ENV.fetch("NO_SUCH_VARIABLE", "2")
    RUBY

    expect(configuration).to have_attributes(threads: 4, workers: 2)
  end

  it "is read from kino.rb, else from config/kino.rb, else from nowhere" do
    expect(configuration.threads).to eq(5)
    write("threads 6", "config/kino.rb")
    expect(configuration.threads).to eq(6)
    write("threads 7", "kino.rb")
    expect(configuration.threads).to eq(7)
  end

  it "is read from the file that is named, or from none" do
    write("threads 6", "other.rb")
    write("threads 7", "kino.rb")

    expect(configuration("other.rb").threads).to eq(6)
    expect(configuration("-").threads).to eq(5)
  end

  it "refuses a named file that can't be read" do
    Dir.mkdir("folder")

    expect { configuration("no.rb") }.to raise_error(
      Kino::ConfigurationError, "no.rb: the configuration file can't be read (No such file or directory); " \
                                "name another with -C, or write one: kino --init"
    )
    expect { configuration("folder") }.to raise_error(Kino::ConfigurationError, /\Afolder: .* \(Is a directory\)/)
  end

  it "names file and line of a bad value" do
    expect(refusal("# settings\n\nthreads :lots"))
      .to eq("kino.rb:3: threads: given :lots, allowed: an Integer from 1 to 1024; write threads 5")
  end

  it "names the line that is at fault, not the one that called a method around it" do
    expect(refusal("def busy =\n  threads(0)\n\nbusy")).to start_with("kino.rb:2: threads: given 0")
  end

  it "names file and line of an unknown word, with the nearest one" do
    expect(refusal("workers 2\ntreads 5")).to eq("kino.rb:2: treads: there is no such setting; did you mean threads?")
    expect(refusal("preload_app!"))
      .to start_with("kino.rb:1: preload_app!: there is no such setting; the settings are bind, port, ")
  end

  it "refuses a word without a value, or with several" do
    expect(refusal("threads")).to eq("kino.rb:1: threads needs a value; write threads 5")
    expect(refusal("threads 0, 16")).to eq("kino.rb:1: threads takes one value, given 0, 16; write threads 5")
  end

  it "says where a file raises" do
    expect(refusal("\nnil.upcase")).to start_with("kino.rb:2: NoMethodError: undefined method")
    expect(refusal("\n\nFile.read('no file')")).to start_with("kino.rb:3: Errno::ENOENT: No such file or directory")
    expect(refusal("require 'no/such/library'")).to start_with("kino.rb:1: LoadError: cannot load such file")
  end

  it "says where a file is no Ruby" do
    expect(refusal("threads 5\nworkers (")).to match(/\Akino\.rb: SyntaxError: .*kino\.rb:[23]/m)
  end
end
