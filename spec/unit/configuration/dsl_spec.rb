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

  it "takes the access log's format with it, and by itself" do
    write('access_log :stdout, format: "{status}"')
    expect(configuration).to have_attributes(access_log: :stdout, access_log_format: "{status}")
    write("access_log :stdout\naccess_log_format 'common'")
    expect(configuration).to have_attributes(access_log: :stdout, access_log_format: :common)
    expect(refusal("access_log :stdout, form: :json"))
      .to end_with("kino.rb:1: access_log: given form:, allowed: format:; write access_log \"log/access.log\", " \
                   "format: :json")
    expect(refusal('access_log "log", format: :jsn')).to include("kino.rb:1", "given :jsn",
                                                                 "write access_log_format :json")
    expect(refusal("access_log format: :json")).to include("access_log needs a value; write access_log ")
  end

  it "has every setting as a word" do
    write(<<~RUBY)
      bind "tcp://0.0.0.0:3000"
      bind "unix:///run/app.sock"
      mode :threaded
      workers 2
      threads 2, 4
      thread_idle_timeout 9
      max_io_threads 6
      gc_when_idle true
      processes 3
      preload false
      process_timeout nil
      refork_after [1000, 10_000, false]
      recycle_requests 50_000
      recycle_memory "1.5GB"
      restart_timeout 60
      restart_file "tmp/again.txt"
      environment "production"
      rackup "app.ru"
      early_hints true
      access_log "/var/log/access.log", format: :json
      filter_query %w[token]
      log_format :json
      log_level :warn
      request_id true
      server_timing true
      quiet true
      pidfile "kino.pid"
      max_header_size 2048
      max_headers 10
      max_uri_size 100
      max_body_size nil
      stream_bodies %w[/uploads]
      underscore_headers true
      trusted_proxies false
      body_buffer 1024
      spool_dir "/tmp"
      spool_limit 1_000_000
      max_connections 100
      queue_depth 10
      max_keepalive_requests 100
      http2 true
      http2_max_streams 9
      http2_max_resets 10
      http2_max_continuations 11
      http2_max_control_frames 12
      http2_max_empty_frames 13
      header_timeout 1
      body_timeout 2
      handshake_timeout 9
      tls cert: "/etc/app.pem", key: "/etc/app.key"
      tls client_ca: "/etc/ca.pem", verify: :required, min_version: 1.3
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
      error_page ["172.17.0.0/16"]
      control "tcp://127.0.0.1:9293"
      control_token "kino.token"
      health_path "/up"
      ready_timeout 3
    RUBY

    hooks = %i[on_worker_boot on_worker_stop on_thread_boot on_drain on_error logger before_fork on_warmup
               on_process_boot on_process_exit on_refork]
    expect(configuration.to_h.except(*hooks)).to eq(
      bind: %w[tcp://0.0.0.0:3000 unix:///run/app.sock], mode: :threaded, workers: 2, threads: 4,
      min_threads: 2, thread_idle_timeout: 9, max_io_threads: 6,
      gc_when_idle: true, processes: 3, preload: false, process_timeout: nil,
      refork_after: [1000, 10_000, false], recycle_requests: 50_000, recycle_memory: 3 * 512 * 1024**2,
      restart_timeout: 60, restart_file: "tmp/again.txt", environment: "production", rackup: "app.ru",
      early_hints: true, quiet: true, pidfile: "kino.pid",
      access_log: "/var/log/access.log", access_log_format: :json, filter_query: %w[token],
      log_format: :json, log_level: :warn, request_id: true, server_timing: true,
      max_header_size: 2048, max_headers: 10,
      max_uri_size: 100, max_body_size: nil, body_buffer: 1024, spool_dir: "/tmp", spool_limit: 1_000_000,
      max_connections: 100, write_min_rate: 100,
      queue_depth: 10, header_timeout: 1, handshake_timeout: 9, body_timeout: 2,
      tls: [{ cert: "/etc/app.pem", key: "/etc/app.key" },
            { client_ca: "/etc/ca.pem", verify: "required", min_version: "1.3" }],
      keepalive_timeout: 3, write_timeout: 4, stuck_timeout: 60,
      shutdown_timeout: 0.5, drain_delay: 8, stream_bodies: ["/uploads"], underscore_headers: true, trusted_proxies: [],
      max_keepalive_requests: 100, body_min_rate: 0, queue_timeout: 6, request_timeout: 7,
      http2: true, http2_max_streams: 9, http2_max_resets: 10, http2_max_continuations: 11,
      http2_max_control_frames: 12, http2_max_empty_frames: 13,
      lowlevel_error_handler: nil, error_page: %w[172.17.0.0/16],
      control: "tcp://127.0.0.1:9293", control_token: "kino.token", health_path: "/up",
      ready_timeout: 3
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

    it "are those of processes, too" do
      write(<<~RUBY)
        before_fork { "before" }
        before_fork { "again" }
        on_warmup { |app| app.upcase }
        on_process_boot { |process| "boot \#{process}" }
        on_process_exit(->(process) { "exit \#{process}" })
        on_refork { "refork" }
        on_worker_boot { |worker| "worker \#{worker}" }
      RUBY

      taken = configuration
      expect(taken.before_fork.map(&:call)).to eq(%w[before again])
      expect(taken.on_warmup.map { |hook| hook.call("app") }).to eq(["APP"])
      expect(taken.on_process_boot.map { |hook| hook.call(1) }).to eq(["boot 1"])
      expect(taken.on_process_exit.map { |hook| hook.call(1) }).to eq(["exit 1"])
      expect(taken.on_refork.map(&:call)).to eq(["refork"])
      expect(taken.on_worker_boot.map { |hook| hook.call(1) }).to eq(["worker 1"])
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
      expect(configuration).to have_attributes(on_worker_boot: [], on_worker_stop: [], on_thread_boot: [], on_error: [],
                                               lowlevel_error_handler: nil)
    end

    it "can be shared between ractors" do
      write("greeting = 'worker'.freeze\n" + 'on_worker_boot { |worker| "#{greeting} #{worker}" }')
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
      .to eq("kino.rb:3: threads: given :lots, allowed: an Integer from 1 to 1024, or MIN:MAX; write threads 5")
  end

  it "names the line that is at fault, not the one that called a method around it" do
    expect(refusal("def busy =\n  threads(0)\n\nbusy")).to start_with("kino.rb:2: threads: given 0")
  end

  it "names file and line of an unknown word, with the nearest one" do
    expect(refusal("workers 2\ntreads 5")).to eq("kino.rb:2: treads: there is no such setting; did you mean threads?")
    expect(refusal("zzz!")).to start_with("kino.rb:1: zzz!: there is no such setting; the settings are bind, port, ")
  end

  it "refuses a word without a value, or with several" do
    expect(refusal("threads")).to eq("kino.rb:1: threads needs a value; write threads 5")
    expect(refusal("threads 0, 16, 5")).to eq("kino.rb:1: threads takes one value, given 0, 16, 5; write threads 5")
    expect(refusal("queue_depth 5, 3"))
      .to eq("kino.rb:1: queue_depth takes one value, given 5, 3; write queue_depth 1024")
  end

  it "takes a least and a most of threads, as Puma does" do
    said = ["threads 3, 16", 'threads "3", "16"', "threads 3..16", 'threads "3:16"', "threads 16; min_threads 3",
            "min_threads 3; threads 16", "threads 0, 16", "threads 5, 5", "threads 3, 16; threads 7"].map do |text|
      write(text)
      [configuration.min_threads, configuration.threads]
    end
    expect(said).to eq([*[[3, 16]] * 6, [1, 16], [5, 5], [7, 7]])
    expect(refusal("threads 5, 3")).to eq("kino.rb:1: threads: given \"5:3\", whose least is more than its most; " \
                                          "allowed: an Integer from 1 to 1024, or MIN:MAX; write threads 5")
    expect(refusal("threads 5\nmin_threads 6")).to eq("kino.rb:2: min_threads: given 6, allowed: an Integer up to " \
                                                      "threads, which is 5; write min_threads 5, or more threads")
  end

  it "says where a file raises" do
    expect(refusal("\nnil.upcase")).to start_with("kino.rb:2: NoMethodError: undefined method")
    expect(refusal("\n\nFile.read('no file')")).to start_with("kino.rb:3: Errno::ENOENT: No such file or directory")
    expect(refusal("require 'no/such/library'")).to start_with("kino.rb:1: LoadError: cannot load such file")
  end

  it "says where a file is no Ruby" do
    expect(refusal("def again = again\nagain")).to match(/\Akino\.rb:1: SystemStackError: stack level too deep/)
    expect(refusal("threads 5\nworkers (")).to match(/\Akino\.rb: SyntaxError: .*kino\.rb:[23]/m)
  end

  describe "in Puma's words" do
    def ignored(path = nil) = configuration(path).remarks.ignored

    it "takes those that Kino has the like of" do
      write(<<~RUBY)
        threads 0, 16
        max_io_threads 5
        port 3000, "0.0.0.0"
        quiet
        persistent_timeout 20
        first_data_timeout 10
        force_shutdown_after :immediately
        http_content_length_limit 1000
        max_keep_alive 100
        allow_underscore_headers
        environment "staging"
        rackup "app.ru"
        pidfile "tmp/app.pid"
        before_worker_boot(:data) { |process| "boot \#{process}" }
        before_worker_boot { |process| "again \#{process}" }
        on_worker_shutdown { |process| "stop \#{process}" }
        on_worker_boot(:data) { |worker| "worker \#{worker}" }
        before_refork(:data) { "refork" }
        preload_app! false
        worker_timeout 90
        fork_worker
        plugin :tmp_restart
      RUBY

      taken = configuration
      expect(taken).to have_attributes(
        threads: 16, min_threads: 1, max_io_threads: 5,
        bind: ["tcp://0.0.0.0:3000"], quiet: true, keepalive_timeout: 20, header_timeout: 10,
        shutdown_timeout: 0, max_body_size: 1000, max_keepalive_requests: 100, underscore_headers: true,
        environment: "staging", rackup: "app.ru", pidfile: "tmp/app.pid", preload: false, process_timeout: 90,
        refork_after: [1000, false], restart_file: "tmp/restart.txt"
      )
      expect(taken.on_process_boot.map { |hook| hook.call(1) }).to eq(["boot 1", "again 1"])
      expect(taken.on_process_exit.map { |hook| hook.call(1) }).to eq(["stop 1"])
      expect(taken.on_worker_boot.map { |hook| hook.call(1) }).to eq(["worker 1"])
      expect(taken.on_refork.map(&:call)).to eq(["refork"])
      expect(taken.remarks.ignored).to eq([])
    end

    it "knows what older ones call the usual path" do
      write("rackup DefaultRackup", "puma.rb")

      expect(configuration("puma.rb")).to have_attributes(rackup: "config.ru")
    end

    it "takes the other forms of their values" do
      write("force_shutdown_after\nenable_keep_alives false\nworkers 0\nport '3000', '::1'")
      expect(configuration)
        .to have_attributes(shutdown_timeout: 86_400, max_keepalive_requests: 1, workers: 1, bind: ["tcp://[::1]:3000"])

      write("force_shutdown_after 7.5\nenable_keep_alives\nmax_keep_alive Float::INFINITY")
      expect(configuration).to have_attributes(shutdown_timeout: 7.5, max_keepalive_requests: nil)

      write("fork_worker 500\npreload_app!")
      expect(configuration).to have_attributes(refork_after: [500, false], preload: true)
      write("fork_worker\nfork_worker 0")
      expect(configuration).to have_attributes(refork_after: [])
    end

    it "takes a variable that is set to nothing for none, as Puma does" do
      write("workers ENV.fetch('WEB_CONCURRENCY', '')", "puma.rb")
      expect(configuration("puma.rb")).to have_attributes(workers: 1, processes: 1)
      write("workers ''")
      expect(configuration).to have_attributes(workers: 1, processes: 1)
    end

    it "takes addresses with what Puma allows behind them, and says what of it does nothing" do
      write("bind 'tcp://127.0.0.1:3000?low_latency=true'\nbind 'unix:///run/app.sock'")

      expect(configuration.bind).to eq(%w[tcp://127.0.0.1:3000 unix:///run/app.sock])
      expect(ignored)
        .to eq(["kino.rb:1: bind \"tcp://127.0.0.1:3000?low_latency=true\": ?low_latency=true does nothing here"])
      expect(refusal("bind 'unix:///run/app.sock?colour=red'")).to include("colour=red")
      expect(refusal("bind 'tcp://127.0.0.1:1?low_latency=true&colour=red'"))
        .to include('given "tcp://127.0.0.1:1?colour=red"')
      expect(refusal("bind 'ssl://0.0.0.0:1?key=a'")).to include("which has a key and no cert")
    end

    it "has ssl_bind for an address where TLS is spoken" do
      write(<<~RUBY)
        ssl_bind "0.0.0.0", "9292", { cert: "/a b.pem", key: "/k", ca: "/ca.pem", verify_mode: "force_peer" }
        ssl_bind "::1", 9293, { cert_pem: "-----BEGIN CERTIFICATE-----", key_pem: "-----BEGIN PRIVATE KEY-----",
                                no_tlsv1: true, ssl_cipher_filter: "HIGH" }
        bind "ssl://127.0.0.1:1?cert=/c&key=/k&no_tlsv1_1=true&verification_flags=X"
      RUBY

      expect(configuration.bind).to eq(%w[ssl://0.0.0.0:9292?cert=/a%20b.pem&key=/k&client_ca=/ca.pem&verify=required
                                          ssl://[::1]:9293 ssl://127.0.0.1:1?cert=/c&key=/k])
      expect(configuration.tls).to eq([{ cert: "-----BEGIN CERTIFICATE-----", key: "-----BEGIN PRIVATE KEY-----" }])
      expect(configuration.inspect).to include("tls=[{cert: PEM text, key: PEM text}]")
      expect(ignored).to match([/ssl_bind "::1", 9293: ssl_cipher_filter does nothing here/,
                                /verification_flags=X does nothing here: clients are verified without it, .* weaker/])
    end

    it "notes those that do nothing, with the place and the reason, and no secrets" do
      write(<<~RUBY)
        worker_check_interval 60
        nakayoshi_fork
        plugin :yabeda
        plugin :solid_queue
        plugin "of_our_own"
        on_worker_fork { raise }
        activate_control_app "tcp://127.0.0.1:1", { auth_token: "secret" }
      RUBY

      expect(ignored).to match([
        /\Akino.rb:1: worker_check_interval 60: Kino chooses it; process_timeout/,
        "kino.rb:3: plugin :yabeda: it asks Puma for its numbers; Kino::Server#stats has Kino's",
        "kino.rb:4: plugin :solid_queue: run it beside Kino: bin/jobs",
        /\Akino.rb:5: plugin "of_our_own": Kino has no plugins/,
        /\Akino.rb:6: on_worker_fork: the parent calls nothing/,
        /\Akino.rb:7: activate_control_app "tcp:.*:1": Kino's own is the setting control/
      ])
      expect(ignored.join).not_to include("secret")
    end

    it "refuses those that an app would be wrong without" do
      expect(refusal("\napp { |env| [200, {}, []] }")).to start_with("kino.rb:2: app: Kino serves a config.ru; ")
    end

    it "never takes one of them for a slip" do
      allow(Dir).to receive(:chdir)
      Kino::Configuration::Puma::WORDS.each_key do |word|
        write("#{word} 5")
        configuration
      rescue Kino::ConfigurationError => error
        expect(error.message).not_to include("no such setting")
      end
    end

    it "does what some of them do" do
      write("inject { threads 3 }\nsingle { quiet true }\nbind 'unix:///a.sock'\nclear_binds!\nload 'more.rb'\n" \
            "set_default_host '::1'\nport 3000\ndirectory 'app'\nenvironment get(:threads).to_s + get(:tag, 'x')")
      write("port 3001\nworker_check_interval 1", "more.rb")
      allow(Dir).to receive(:chdir)

      expect(configuration)
        .to have_attributes(threads: 3, quiet: true, environment: "3x", bind: %w[tcp://[::1]:3000 tcp://127.0.0.1:3001])
      expect(Dir).to have_received(:chdir).with("app")
      expect(ignored).to match([/\Amore.rb:2: worker_check_interval/])
    end

    it "are not read unasked, which is noted where there is no kino.rb" do
      write("threads 7", "config/puma.rb")
      expect(configuration).to have_attributes(threads: 5)
      expect(configuration.remarks.unread).to eq("config/puma.rb")
      expect(configuration("config/puma.rb").remarks.unread).to be_nil
      expect(configuration("-").remarks.unread).to be_nil
      write("threads 6")
      expect(configuration.remarks.unread).to be_nil
    end

    it "have it said how others were read, in a file whose name does not tell that it is Puma's" do
      write("workers 2\nport 3000\non_worker_boot { 1 }\npreload_app!\nworker_timeout 9", "server.rb")
      expect(configuration("server.rb")).to have_attributes(workers: 2, processes: 1, bind: ["tcp://127.0.0.1:3000"])
      expect(configuration("server.rb").notes).to contain_exactly(
        start_with("server.rb:4: preload_app! is Puma's, in a file whose name does not say that it was written for " \
                   "Puma: workers was read as Kino's").and(include("; port as one of this machine", "; on_worker_boot"))
      )
      write("port 3000\nhost '0.0.0.0'\npreload_app!", "server.rb")
      write("workers 2\npreload_app!", "puma.rb")
      write("workers 2")
      %w[server.rb puma.rb kino.rb].each { |path| expect(configuration(path).notes).to eq([]) }
      write("load 'server.rb'\nworkers 3")
      write("workers 2\npreload_app!", "server.rb")
      expect(configuration.notes.size).to eq(1)
    end

    describe "in a file of Puma's" do
      it "are what they are to Puma: workers are processes, ports are open to all, quiet logs no requests" do
        write("workers 2\nthreads 1, 5\nport 3000\nquiet\non_worker_boot { 1 }", "config/puma.rb")
        taken = configuration("config/puma.rb")

        expect(taken).to have_attributes(workers: 1, min_threads: 1, threads: 5, bind: ["tcp://0.0.0.0:3000"],
                                         quiet: false, processes: 2, on_worker_boot: [], on_process_boot: [Proc])
        expect(taken.remarks.ignored).to eq([])
        expect(taken.with(mode: :ractor)).to have_attributes(workers: 2, processes: 1)
      end

      it "have workers that give way to processes, in the same place or in a stronger one" do
        flags = ->(text) { Kino::Configuration::Layer.keywords(text) }
        write("processes 4\nworkers 2", "puma.rb")
        said = ->(**given) { Kino::Configuration.from([flags.(given), described_class.load("puma.rb")]) }

        expect(said.call).to have_attributes(processes: 4, workers: 1)
        write("workers 2", "puma.rb")
        expect(said.(processes: 1)).to have_attributes(processes: 1, workers: 1)
        expect(said.(processes: 3, mode: :ractor)).to have_attributes(processes: 3, workers: 2)
        expect(said.(workers: 5, mode: :ractor)).to have_attributes(processes: 1, workers: 5)
      end

      it "have 0 workers for one process, and are refused as they are written" do
        write("workers 3\nworkers ENV.fetch('NO_SUCH_VARIABLE', 0)", "puma.rb")
        expect(configuration("puma.rb").processes).to eq(1)

        write("\nworkers 'lots'", "puma.rb")
        expect { configuration("puma.rb") }.to raise_error(
          Kino::ConfigurationError,
          'puma.rb:2: workers: given "lots", allowed: an Integer from 1 to 256 or auto; write workers 4'
        )
      end

      it "have blocks for several processes, and for one" do
        blocks = "cluster { threads 7 }\nsingle { threads 8 }\nrackup get(:workers, 1).to_s"
        write("workers 2\n#{blocks}", "several/puma.rb")
        write(blocks, "one/puma.rb")
        stub_const("ENV", ENV.to_h.merge("WEB_CONCURRENCY" => ""))

        expect(configuration("several/puma.rb")).to have_attributes(threads: 7, rackup: "2")
        expect(configuration("one/puma.rb")).to have_attributes(threads: 8, rackup: "1")
        ENV["WEB_CONCURRENCY"] = "3"
        expect(configuration("one/puma.rb").threads).to eq(7)
      end

      it "have its own host for ports" do
        write("set_default_host 'localhost'\nport 3000", "puma.rb")

        expect(configuration("puma.rb").bind).to eq(["tcp://localhost:3000"])
      end

      it "can be shared between ractors, as hooks" do
        write("on_error { |error| error }", "puma.rb")

        expect(Ractor.shareable?(Ractor.make_shareable(configuration("puma.rb").on_error.first))).to be(true)
      end
    end
  end
end
