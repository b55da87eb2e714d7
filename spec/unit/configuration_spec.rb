# frozen_string_literal: true

require "kino/configuration"

RSpec.describe Kino::Configuration do
  it "has a default for every setting" do
    configuration = described_class.new

    expect(configuration.to_h).to include(
      bind: ["tcp://127.0.0.1:9292"], mode: :threaded, workers: 1, threads: 5, environment: "development",
      rackup: "config.ru", quiet: false, pidfile: nil, logger: nil, max_header_size: 65_536, max_headers: 128,
      max_uri_size: 16_384, max_body_size: 1_073_741_824,
      body_buffer: 65_536, spool_dir: Dir.tmpdir, queue_depth: 1024, header_timeout: 15, body_timeout: 30,
      tls: [], handshake_timeout: 10,
      keepalive_timeout: 65, write_timeout: 30, stuck_timeout: nil, shutdown_timeout: 30, on_worker_boot: [],
      on_worker_stop: [], on_thread_boot: [], processes: 1, preload: true, before_fork: [], on_warmup: [],
      on_process_boot: [], on_process_exit: [], process_timeout: 60, refork_after: [], on_refork: [],
      recycle_requests: nil, recycle_memory: nil, restart_timeout: 120, restart_file: nil, on_drain: [],
      stream_bodies: false, underscore_headers: false,
      early_hints: false, gc_when_idle: false,
      max_keepalive_requests: nil, http2: nil, http2_max_streams: 128, http2_max_resets: 64,
      http2_max_continuations: 32, http2_max_control_frames: 128, http2_max_empty_frames: 128,
      trusted_proxies: %w[127.0.0.0/8 ::1 unix],
      error_page: %w[127.0.0.0/8 ::1 unix],
      body_min_rate: 500, queue_timeout: 30, request_timeout: nil, drain_delay: 0, min_threads: 5,
      thread_idle_timeout: 30, max_io_threads: 0
    )
  end

  it "has the defaults that its mode wants" do
    cpus = described_class::Cpus.count
    expect(described_class.new(mode: :threaded)).to have_attributes(workers: 1, threads: 5, queue_timeout: 30)
    expect(described_class.new(mode: :ractor)).to have_attributes(workers: cpus, threads: 1, queue_timeout: 5)
    expect(described_class.new(mode: :auto)).to have_attributes(workers: 1, threads: 5, queue_timeout: 30)
    expect(described_class.new(mode: :auto).with(mode: :ractor)).to have_attributes(workers: cpus, queue_timeout: 5)
  end

  it "has what is said instead, in any mode" do
    said = { workers: 3, threads: 4, queue_timeout: 7 }
    %i[threaded ractor auto].each { |mode| expect(described_class.new(mode:, **said)).to have_attributes(said) }
  end

  it "knows what somebody has said" do
    configuration = described_class.new(threads: 5)

    expect(%i[mode threads workers].map { |name| configuration.said?(name) }).to eq([false, true, false])
    expect(configuration.with(workers: 2).said?(:mode)).to be(false)
    expect(configuration.with(mode: :threaded).said?(:mode)).to be(true)
  end

  it "has a least and a most of threads, and what they come to" do
    configuration = described_class.new(workers: 2, threads: 16, min_threads: 3, max_io_threads: 4)

    expect(configuration).to have_attributes(threads: 16, min_threads: 3, capacity: 40, threads_in_words: "3 to 16")
    expect(configuration.with(quiet: true)).to have_attributes(threads: 16, min_threads: 3, max_io_threads: 4)
    expect(configuration.with(threads: 5)).to have_attributes(threads: 5, min_threads: 5, threads_in_words: "5")
    expect(configuration.with(min_threads: 4)).to have_attributes(threads: 16, min_threads: 4)
    expect(described_class.new(threads: "3:16").with(quiet: true)).to have_attributes(threads: 16, min_threads: 3)
    expect(Ractor.shareable?(described_class.new(threads: 3..16))).to be(true)
    expect { described_class.new(threads: 3, min_threads: 4) }
      .to raise_error(Kino::ConfigurationError,
                      "min_threads: given 4, allowed: an Integer up to threads, which is 3; write min_threads 3, or " \
                      "more threads")
  end

  it "always has the most threads in mode :ractor, and none besides" do
    said = described_class.new(mode: :auto, threads: 3..16, max_io_threads: 4)

    expect(said.with(mode: :ractor)).to have_attributes(threads: 16, min_threads: 16, max_io_threads: 0)
    expect(said.with(mode: :ractor).with(mode: :threaded))
      .to have_attributes(threads: 16, min_threads: 3, max_io_threads: 4)
    expect(described_class.new(mode: :ractor, min_threads: 3)).to have_attributes(threads: 1, min_threads: 1)
  end

  describe "WEB_CONCURRENCY" do
    def configuration(env, **settings)
      layer = described_class::Layer
      described_class.from([layer.environment(env), layer.keywords(settings)])
    end

    it "is the number of processes, and in mode :ractor that of workers, whatever kino.rb says" do
      said = { workers: 2, processes: 4 }

      expect(configuration({ "WEB_CONCURRENCY" => "3" }, **said)).to have_attributes(processes: 3, workers: 2)
      expect(configuration({ "WEB_CONCURRENCY" => "3" })).to have_attributes(processes: 3, workers: 1)
      expect(configuration({ "WEB_CONCURRENCY" => "3" }, mode: :ractor, **said))
        .to have_attributes(processes: 4, workers: 3)
      expect(configuration({ "WEB_CONCURRENCY" => "3" }, mode: :ractor)).to have_attributes(processes: 1, workers: 3)
      expect(Ractor.shareable?(configuration({ "WEB_CONCURRENCY" => "3" }, **said))).to be(true)
    end

    it "means processes until mode :auto has decided for ractors" do
      auto = configuration({ "WEB_CONCURRENCY" => "3" }, mode: :auto)

      expect(auto).to have_attributes(processes: 3, workers: 1)
      expect(auto.with(mode: :ractor)).to have_attributes(processes: 1, workers: 3)
      expect(auto.with(mode: :threaded)).to have_attributes(processes: 3, workers: 1)
    end

    it "gives way to a flag, of the one or of the other" do
      layer = described_class::Layer
      flags = ->(**said) { [layer.keywords(said), layer.environment("WEB_CONCURRENCY" => "3")] }

      expect(described_class.from(flags.(workers: 4, mode: :ractor))).to have_attributes(workers: 4, processes: 1)
      expect(described_class.from(flags.(processes: 2, mode: :ractor))).to have_attributes(workers: 3, processes: 2)
      expect(described_class.from(flags.(processes: 2))).to have_attributes(workers: 1, processes: 2)
      expect(described_class.from(flags.(workers: 4))).to have_attributes(workers: 4, processes: 3)
    end

    it "gives way to what another one is made with, and is kept otherwise" do
      said = configuration({ "WEB_CONCURRENCY" => "3" }, mode: :auto, workers: 2, processes: 4)

      expect(said.with(threads: 1).with(mode: :ractor)).to have_attributes(workers: 3, processes: 4)
      expect(said.with(mode: :ractor).with(mode: :threaded)).to have_attributes(workers: 2, processes: 3)
      expect(said.with(processes: 1)).to have_attributes(workers: 2, processes: 1)
      expect(said.with(processes: 1, mode: :ractor)).to have_attributes(workers: 3, processes: 1)
      expect(said.with(workers: 5, mode: :ractor)).to have_attributes(workers: 5, processes: 4)
    end

    it "is one where it is 0, as Puma has it, and the CPUs where it is auto" do
      cpus = described_class::Cpus.count

      expect(configuration({ "WEB_CONCURRENCY" => "0" }, processes: 4)).to have_attributes(processes: 1, workers: 1)
      expect(configuration({ "WEB_CONCURRENCY" => "auto" }).processes).to eq(cpus)
      expect(configuration({ "WEB_CONCURRENCY" => "auto" }, mode: :ractor, workers: 3).workers).to eq(cpus)
    end

    it "is refused by its name" do
      [{}, { mode: :ractor }].each do |said|
        expect { configuration({ "WEB_CONCURRENCY" => "two" }, **said) }.to raise_error(
          Kino::ConfigurationError,
          'WEB_CONCURRENCY: given "two", allowed: an Integer from 1 to 256 or auto; write WEB_CONCURRENCY=4'
        )
      end
    end
  end

  it "has a reader for each setting" do
    configuration = described_class.new(threads: 7)

    expect(configuration.to_h.keys).to eq(described_class::Settings::KEPT.map(&:name))
    expect(configuration.threads).to eq(7)
  end

  it "is frozen through and through, so that ractors may share it" do
    configuration = described_class.new(bind: [+"tcp://127.0.0.1:1"], environment: +"test", rackup: +"app.ru")

    expect(Ractor.shareable?(configuration)).to be(true)
  end

  it "leaves what it is given alone" do
    addresses = [+"127.0.0.1:3000"]
    configuration = described_class.new(bind: addresses)
    addresses << "tcp://127.0.0.1:4000"

    expect(configuration.bind).to eq(["tcp://127.0.0.1:3000"])
    expect(addresses.first).not_to be_frozen
  end

  it "refuses a setting that doesn't exist, with the nearest that does" do
    expect { described_class.new(treads: 5) }
      .to raise_error(Kino::ConfigurationError, "treads: there is no such setting; did you mean threads?")
  end

  it "lists the settings where none is near" do
    expect { described_class.new(zzz: 5) }
      .to raise_error(Kino::ConfigurationError, /\Azzz: there is no such setting; the settings are bind, port, host, /)
  end

  it "refuses a value, naming what was given, what is allowed and what to write" do
    expect { described_class.new(threads: "lots") }
      .to raise_error(Kino::ConfigurationError,
                      'threads: given "lots", allowed: an Integer from 1 to 1024, or MIN:MAX; write threads: 5')
  end

  it "makes another one with changes, and stays as it is" do
    configuration = described_class.new(threads: 2, quiet: true)
    changed = configuration.with(threads: 3)

    expect(changed).to eq(described_class.new(threads: 3, quiet: true))
    expect(configuration.threads).to eq(2)
  end

  it "leaves the default of threads open when it makes another one" do
    configuration = described_class.new

    expect(configuration.with(mode: :ractor).threads).to eq(1)
    expect(configuration.with(quiet: true).with(mode: :ractor).threads).to eq(1)
    expect(configuration.with(threads: 5).with(mode: :ractor).threads).to eq(5)
    expect(configuration.with(mode: :ractor).with(mode: :threaded).threads).to eq(5)
  end

  it "keeps its hooks when it makes another one" do
    hook = ->(_) {}

    expect(described_class.new(on_worker_boot: hook).with(threads: 3).on_worker_boot).to eq([hook])
  end

  it "keeps a nil that is a value when it makes another one" do
    expect(described_class.new(max_body_size: nil).with(threads: 3).max_body_size).to be_nil
  end

  it "takes a change of the port for the first TCP address" do
    configuration = described_class.new(bind: ["unix:///tmp/a.sock", "tcp://0.0.0.0:1", "tcp://127.0.0.1:2"])

    expect(configuration.with(port: 3).bind).to eq(["unix:///tmp/a.sock", "tcp://0.0.0.0:3", "tcp://127.0.0.1:2"])
  end

  it "equals one with the same values, also as a key" do
    one, same, other = described_class.new, described_class.new(threads: 5), described_class.new(threads: 6)

    expect(one).to eq(same)
    expect({ one => 1 }).to have_key(same)
    expect(one).not_to eq(other)
    expect(one).not_to eq(one.to_h)
  end

  it "shows its values" do
    expect(described_class.new.inspect)
      .to match(/\A#<Kino::Configuration bind=\["tcp:.*threads=5 .*ready_timeout=10>\z/)
  end
end
