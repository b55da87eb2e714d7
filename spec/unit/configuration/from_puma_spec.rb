# frozen_string_literal: true

require "kino/configuration"
require "kino/configuration/from_puma"
require "tmpdir"

RSpec.describe Kino::Configuration::FromPuma do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  def made(text)
    File.write("puma.rb", text)
    described_class.read("puma.rb").lines.drop(2).join
  end

  def configuration(path) = Kino::Configuration.from([Kino::Configuration::DSL.load(path)])

  it "keeps what needs no change, comments and the environment's part included" do
    text = <<~'PUMA'
      # ours
      environment ENV.fetch("RAILS_ENV") { "development" }
      pidfile ENV["P"] if ENV["P"] # here
      threads 5
      bind "unix:///run/app.sock"
      port 3000, "::1"
      fork_worker ENV.fetch("REQUESTS", 0)
      before_fork do
        threads 6
      end
      on_refork { GC.start }
    PUMA

    expect(made(text)).to eq(text)
  end

  it "writes Kino's words for Puma's" do
    expect(made(<<~PUMA)).to eq(<<~'KINO')
      most = ENV.fetch("RAILS_MAX_THREADS", 5)
      threads most, most
      threads(0, 16)
      port ENV.fetch("PORT", 3000)
      port 3000 if true
      persistent_timeout 20
      first_data_timeout ENV.fetch("F", 10)
      force_shutdown_after
      force_shutdown_after :immediately
      force_shutdown_after 7
      worker_shutdown_timeout 9
      http_content_length_limit 1_000
      enable_keep_alives false
      max_keep_alive Float::INFINITY
      allow_underscore_headers
      bind "tcp://127.0.0.1:1?low_latency=true"
      before_worker_boot { |process| p process }
      on_thread_start { connect }
      before_thread_start { connect }
      on_worker_boot(&BOOT)
      on_worker_boot(:key) do |process|
        p process
      end
      on_worker_shutdown do |process|
        p process
      end
      before_refork { GC.start }
      workers ENV.fetch("WEB_CONCURRENCY", 2)
      workers 0
      preload_app!
      preload_app! false
      fork_worker
      fork_worker 500
      fork_worker(0)
      worker_timeout 3600 if true
    PUMA
      most = ENV.fetch("RAILS_MAX_THREADS", 5)
      threads most, most
      threads(0, 16)
      bind "tcp://0.0.0.0:#{ENV.fetch("PORT", 3000)}"
      bind "tcp://0.0.0.0:3000" if true
      keepalive_timeout 20
      header_timeout ENV.fetch("F", 10)
      shutdown_timeout 86400
      shutdown_timeout 0
      shutdown_timeout 7
      shutdown_timeout 9
      max_body_size 1_000
      max_keepalive_requests 1
      max_keepalive_requests nil
      underscore_headers true
      bind "tcp://127.0.0.1:1"
      on_process_boot { |process| p process }
      on_thread_boot { connect }
      on_thread_boot { connect }
      on_process_boot(&BOOT)
      on_process_boot do |process|
        p process
      end
      on_process_exit do |process|
        p process
      end
      on_refork { GC.start }
      processes ENV.fetch("WEB_CONCURRENCY", 2)
      processes 0
      preload true
      preload false
      refork_after [1000, false]
      refork_after [500, false]
      refork_after false
      process_timeout 3600 if true
    KINO
  end

  it "asks for what the file has said by the name that it has then" do
    expect(made(<<~PUMA)).to eq(<<~KINO)
      workers 2
      threads get(:workers, 0), get("workers")
      worker_timeout get(:workers, get(:worker_timeout, 3))
      p get(name)
    PUMA
      processes 2
      threads get(:processes, 0), get(:processes)
      process_timeout get(:processes, get(:worker_timeout, 3))
      p get(name)
    KINO
  end

  it "comments out what does nothing, with the reason" do
    expect(made(<<~PUMA)).to eq(<<~'KINO')
      worker_culling_strategy :oldest
      plugin :solid_queue if ENV["SOLID_QUEUE_IN_PUMA"]
      if true
        on_worker_fork do
          p 1

        end
      end
      prune_bundler # always
    PUMA
      # worker_culling_strategy: Kino chooses which process ends at TTOU
      # worker_culling_strategy :oldest
      # plugin: run it beside Kino: bin/jobs
      # plugin :solid_queue if ENV["SOLID_QUEUE_IN_PUMA"]
      if true
        # on_worker_fork: the parent calls nothing for each; before_fork is called once, on_process_boot in each process
        # on_worker_fork do
        #   p 1
        #
        # end
      end
      # prune_bundler: what a restart boots has the Gemfile, the app and kino.rb as they are then
      # prune_bundler # always
    KINO
  end

  it "leaves what has no lines to itself, which a kino.rb understands all the same" do
    text = "x = tag('a'); plugin :x\nENV['X'] && on_restart\nif true then prune_bundler else debug end\n"

    expect(made(text)).to eq(text)
    expect { configuration("puma.rb") }.not_to raise_error
  end

  it "understands what is within other words" do
    %w[single cluster].each do |word|
      expect(made("#{word} do\n  persistent_timeout 3\nend\n")).to eq("#{word} do\n  keepalive_timeout 3\nend\n")
    end
    expect(made("set_default_host '::1'\nport 5\n")).to eq("set_default_host '::1'\nport 5\n")
  end

  it "makes a file that says the same" do
    File.write("config.rb", made(<<~PUMA))
      # frozen_string_literal: true
      threads_count = ENV.fetch("NO_SUCH_VARIABLE", 3)
      threads threads_count, threads_count
      port ENV.fetch("NO_SUCH_VARIABLE", 3000)
      workers 4
      worker_timeout 3600 if ENV.fetch("RAILS_ENV", "development") == "development"
      environment "production"
      plugin :tmp_restart
      persistent_timeout 7
      quiet
      stdout_redirect "log/puma.out", "log/puma.err", true
      bind "unix:///run/ä.sock"
    PUMA

    expect(configuration("config.rb")).to eq(configuration("puma.rb"))
    expect(configuration("config.rb").remarks.ignored).to eq([])
    expect(File.read("config.rb")).to include("\nrestart_file \"tmp/restart.txt\"\n")
    expect(configuration("config.rb")).to have_attributes(threads: 3, keepalive_timeout: 7, processes: 4)
  end

  it "refuses what it can't read" do
    expect { described_class.read("no.rb") }
      .to raise_error(Kino::ConfigurationError, "no.rb: Puma's configuration can't be read (No such file or " \
                                                "directory); name it: kino --from-puma FILE")
    expect { made("threads (") }.to raise_error(Kino::ConfigurationError, /\Apuma\.rb:\d: /)
  end
end
