# frozen_string_literal: true

module Kino
  class Configuration
    # The words of Puma's configuration file, and what becomes of each here: so that a file written for Puma can be
    # read, and whoever writes one of them in a kino.rb hears what Kino has instead.
    #
    # @api private
    module Puma
      # One of Puma's words.
      #
      # @!attribute [r] kind
      #   @return [Symbol] what is meant to become of it, see {#fate}
      # @!attribute [r] setting
      #   @return [Symbol, nil] the setting that it is taken as
      # @!attribute [r] text
      #   @return [String, nil] what there is to know, in one line
      Word = Data.define(:kind, :setting, :text) do
        # @return [Symbol] what becomes of it: `:taken`, as {#setting}, where there is such a setting; `:does` what it
        #   does with Puma; `:holds` anyway; `:ignored`, which is said once at start; or `:refused`
        def fate = kind == :taken && !Settings::TABLE.key?(setting) ? :ignored : kind
      end

      class << self
        # @param path [String] a configuration file
        # @return [Boolean] whether it was written for Puma, as its name tells (config/puma.rb, config/puma/staging.rb):
        #   `workers` are processes there, and a port without a host is open to everybody
        def file?(path)
          name = File.basename(path)
          name.match?(/puma/i) || (name != "kino.rb" && File.dirname(File.expand_path(path)).end_with?("/config/puma"))
        end

        # What whoever has given Puma's file another name would not expect.
        #
        # @param layer [Layer] what a file says that is read as a kino.rb
        # @param word [String] a word that only Puma has, and where it stands in that file
        # @return [String, nil] how its other words were read, in one line; nil where none means something else to Puma
        def mistaken(layer, word)
          read = READ_AS.select { |name, _| layer[name] && !(name == :port && layer[:host]) }.values
          return if read.empty?

          "#{word} is Puma's, in a file whose name does not say that it was written for Puma: #{read.join("; ")}"
        end

        # @param name [Symbol] one of Puma's words
        # @param values [Array<Object>] what it is given
        # @return [Boolean] whether that is the plugin that Kino has as a setting
        def restart_plugin?(name, values) = name == :plugin && values.map(&:to_s) == ["tmp_restart"]

        # @param name [Symbol] one of Puma's words
        # @param values [Array<Object>] what it was given
        # @return [String] what there is to know of it, in one line
        def explain(name, values = [])
          plugin = PLUGINS[values.first.to_s.to_sym] if name == :plugin
          plugin || WORDS.fetch(name).text || "Kino has no #{WORDS.fetch(name).setting} yet"
        end

        private

        def taken(setting, text = nil) = Word.new(:taken, setting, text)

        def does(text) = Word.new(:does, nil, text)

        def holds(text) = Word.new(:holds, nil, text)

        def ignored(text) = Word.new(:ignored, nil, text)

        def refused(text) = Word.new(:refused, nil, text)
      end

      # How a kino.rb means words that a file of Puma's means otherwise.
      READ_AS = {
        workers: "workers was read as Kino's, which share one process (Puma's are processes)",
        port: "port as one of this machine alone (to Puma it is 0.0.0.0)",
        on_worker_boot: "on_worker_boot as Kino's, of each worker (on_process_boot is of each process)"
      }.freeze
      private_constant :READ_AS
      # Where Puma looks for its configuration.
      PATH = "config/puma.rb"
      # What `plugin :tmp_restart` looks at.
      RESTART_FILE = "tmp/restart.txt"
      # Why several words do nothing.
      NO_PARENT_HOOK = "the parent calls nothing for each; before_fork is called once, on_process_boot in each process"
      NO_RESTART_HOOK = "restarts have no hook of their own; on_drain is called in what they replace"
      NO_CONTROL = "Kino's own is the setting control: it has the numbers, and does what pumactl does"
      BUNDLE = "what a restart boots has the Gemfile, the app and kino.rb as they are then"
      NO_THREAD_HOOK = "nothing is called when a thread ends; on_worker_stop is, when all of a worker's have served"
      EPOLL = "the Rust core waits for sockets by itself"
      private_constant :NO_PARENT_HOOK, :NO_RESTART_HOOK, :NO_CONTROL, :BUNDLE, :NO_THREAD_HOOK, :EPOLL

      # Plugins that many apps have, and what there is instead.
      PLUGINS = {
        tmp_restart: "restart_file \"tmp/restart.txt\"",
        solid_queue: "run it beside Kino: bin/jobs",
        systemd: "Kino tells systemd by itself, see Type=notify",
        heroku: "it sets threads and workers, for which Kino reads RAILS_MAX_THREADS and WEB_CONCURRENCY",
        yabeda: "it asks Puma for its numbers; Kino::Server#stats has Kino's",
        statsd: "it asks Puma for its numbers; Kino::Server#stats has Kino's"
      }.freeze

      # All of them, those of Puma 5 to 8.
      WORDS = {
        activate_control_app: ignored(NO_CONTROL),
        after_booted: ignored("on_worker_boot is called before a worker serves"),
        after_refork: ignored("what others are forked from serves no more; on_process_boot is called in those"),
        after_stopped: ignored("on_worker_stop is called in each worker after it has served, and at_exit works"),
        after_worker_boot: ignored(NO_PARENT_HOOK),
        after_worker_fork: ignored(NO_PARENT_HOOK),
        after_worker_shutdown: ignored("the parent calls nothing then; on_process_exit is called in each process"),
        allow_underscore_headers: taken(:underscore_headers),
        app: refused("Kino serves a config.ru; write the app there (run MyApp), and rackup \"FILE\" where it isn't " \
                     "config.ru"),
        before_fork: taken(:before_fork),
        before_refork: taken(:on_refork),
        before_restart: ignored(NO_RESTART_HOOK),
        before_thread_exit: ignored(NO_THREAD_HOOK),
        before_thread_start: taken(:on_thread_boot),
        before_worker_boot: taken(:on_process_boot),
        before_worker_fork: ignored(NO_PARENT_HOOK),
        before_worker_shutdown: taken(:on_process_exit),
        bind: taken(:bind, "tcp://, unix:// and ssl:// alike"),
        bind_to_activated_sockets: ignored("without a bind all sockets of systemd's are listened on; " \
                                          "bind \"systemd://NAME\" is one of them"),
        clean_thread_locals: ignored("what an app keeps in Thread.current stays; reset it in a middleware, or use " \
                                     "ActiveSupport::CurrentAttributes"),
        clear_binds!: does("forgets the addresses written so far"),
        cluster: does("runs its block where WEB_CONCURRENCY, or workers before it, wants several processes"),
        custom_logger: ignored("write logger, which takes a Logger of Ruby's"),
        debug: ignored("KINO_LOG=debug in the environment tells more"),
        default_host: does("the host of set_default_host, or 0.0.0.0"),
        directory: does("changes to that folder at once"),
        drain_on_shutdown: ignored("what has been accepted is always answered; drain_delay goes on accepting a while"),
        early_hints: taken(:early_hints),
        enable_keep_alives: taken(:max_keepalive_requests, "false is 1 request for each connection"),
        environment: taken(:environment),
        extra_runtime_dependencies: holds(BUNDLE),
        fiber_per_request: ignored("requests run on threads"),
        first_data_timeout: taken(:header_timeout, "for a request's whole head"),
        force_shutdown_after: taken(:shutdown_timeout, ":forever is a day, :immediately 0"),
        fork_worker: taken(:refork_after, "once after so many requests, 1000 if none are given, as [1000, false]; 0 " \
                                          "is never"),
        get: does("what this file has said of a setting, or the default that is given"),
        http_content_length_limit: taken(:max_body_size),
        idle_timeout: ignored("Kino runs until it is told to stop"),
        inject: does("runs its block as a part of the file"),
        io_selector_backend: ignored(EPOLL),
        load: does("reads another file of settings"),
        log_formatter: ignored("write logger, with a Logger that has a formatter"),
        log_requests: ignored("write access_log :stdout for a line of each request"),
        lowlevel_error_handler: taken(:lowlevel_error_handler),
        max_fast_inline: ignored("requests of all connections take turns"),
        max_io_threads: taken(:max_io_threads),
        max_keep_alive: taken(:max_keepalive_requests),
        mutate_stdout_and_stderr_to_sync_on_write: holds("standard output is written at once"),
        nakayoshi_fork: holds("the app is warmed up, and its memory compacted, before it is forked"),
        on_booted: ignored("on_worker_boot is called before a worker serves"),
        on_refork: taken(:on_refork),
        on_restart: ignored(NO_RESTART_HOOK),
        on_stopped: ignored("on_worker_stop is called in each worker after it has served, and at_exit works"),
        on_thread_exit: ignored(NO_THREAD_HOOK),
        on_thread_start: taken(:on_thread_boot),
        on_worker_boot: taken(:on_process_boot, "in a file of Puma's; in a kino.rb it is Kino's own, of each worker"),
        on_worker_fork: ignored(NO_PARENT_HOOK),
        on_worker_shutdown: taken(:on_process_exit),
        out_of_band: ignored("nothing is called between requests; gc_when_idle collects garbage then"),
        persistent_timeout: taken(:keepalive_timeout),
        pidfile: taken(:pidfile),
        plugin: ignored("Kino has no plugins, but for :tmp_restart, which is restart_file"),
        port: taken(:port, "with a host, and in a file of Puma's without one (0.0.0.0), it is a bind"),
        preload_app!: taken(:preload, "true where nobody says otherwise; it stands in no restart's way"),
        prune_bundler: holds(BUNDLE),
        queue_requests: holds("requests wait in one queue, see queue_depth and queue_timeout"),
        quiet: taken(:quiet, "to Puma it means to log no requests, which Kino does only with access_log"),
        rack_url_scheme: ignored("the scheme is what trusted_proxies say of it; Rails has config.assume_ssl"),
        rackup: taken(:rackup),
        raise_exception_on_sigterm: ignored("told to stop, Kino finishes what runs and exits with 0"),
        restart_command: ignored("kino restart --full runs the command that Kino was started with"),
        set_default_host: does("the host of ports that name none"),
        set_remote_address: ignored("REMOTE_ADDR is who connected, or, with bind \"...?proxy=true\", whom a PROXY " \
                                    "header names"),
        shutdown_debug: holds("a stop that runs out of time names the requests it gave up"),
        silence_fork_callback_warning: holds("there is no such warning"),
        silence_single_worker_warning: holds("there is no such warning"),
        single: does("runs its block where cluster doesn't run its own"),
        ssl_bind: does("binds ssl:// with its cert, key, ca and verify_mode; cert_pem and key_pem are tls"),
        state_path: ignored(NO_CONTROL),
        state_permission: ignored(NO_CONTROL),
        stdout_redirect: ignored("have what starts Kino redirect its output: kino >> log/kino.log 2>&1"),
        supported_http_methods: ignored("every method reaches the app"),
        tag: ignored("processes are named by what they do: kino: process 1 of 2"),
        threads: taken(:threads, "a least of 0 is 1"),
        wait_for_less_busy_worker: holds("a busy process leaves connections to those that aren't"),
        worker_boot_timeout: ignored("the app is booted before the fork; restart_timeout bounds that in a restart"),
        worker_check_interval: ignored("Kino chooses it; process_timeout is how long one may give no sign of life"),
        worker_culling_strategy: ignored("Kino chooses which process ends at TTOU"),
        worker_shutdown_timeout: taken(:shutdown_timeout),
        worker_timeout: taken(:process_timeout),
        workers: taken(:processes, "in a file of Puma's, where 0 is 1, and in mode :ractor workers; in a kino.rb it " \
                                   "is Kino's own")
      }.freeze
    end
  end
end
