# frozen_string_literal: true

require "tmpdir"

module Kino
  class Configuration
    # Every setting there is, in the order `kino --init` explains them.
    #
    # @api private
    module Settings
      # The most that `max_connections` is where nobody sets it.
      MOST_CONNECTIONS = 10_240

      # A tenth of the open-file limit is left to the app: its database, its files.
      #
      # @param open_files [Integer] the open-file limit
      # @return [Integer] the default of `max_connections`
      def self.connections_for(open_files = Process.getrlimit(:NOFILE).first)
        (open_files / 10 * 9).clamp(16, MOST_CONNECTIONS)
      end

      # @return [String] the system's temporary folder; where none can be written to, the one that should be: only
      #   long bodies need it, so it is no reason not to start
      def self.temporary_folder
        -Dir.tmpdir
      rescue ArgumentError
        -File.expand_path(ENV.fetch("TMPDIR", "/tmp"))
      end

      # How many of something there may be.
      COUNT = Kinds::Whole.new(1..1_000_000)
      # How long something may take; a day at most.
      PATIENCE = Kinds::Seconds.new(0.1..86_400)
      # What is called in each worker.
      WORKER_HOOK = Kinds::Hook.new('{ |worker| warn "worker #{worker}" }')
      # What lets go of what a process has open.
      LETTING_GO = Kinds::Hook.new("{ CACHE.disconnect }")
      # A file's path.
      FILE = Kinds::Text.new("FILE", "the path of a file", /\A[^\0]+\z/)
      private_constant :COUNT, :PATIENCE, :WORKER_HOOK, :LETTING_GO, :FILE

      # What the settings are about, and the settings.
      SECTIONS = {
        "Where Kino listens" => [
          Setting.new(:bind, Address::Bind, default: [Address::DEFAULT].freeze, default_text: Address::DEFAULT,
                      example: Address::DEFAULT, flags: %w[-b --bind],
                      summary: "address to listen on, such as unix:///run/app.sock", doc: <<~TEXT),
            An address to listen on: tcp://HOST:PORT, tcp://[IPV6]:PORT, unix:///PATH or, on Linux,
            unix://@NAME, or systemd://NAME for a socket that systemd has opened, by its
            FileDescriptorName. Where systemd has opened some and nobody says where to listen, Kino listens
            on all of them; an address that one of them has already is that one. Write it once for each
            address. The default can be reached from this machine only; write tcp://[::]:9292 to be reached
            from elsewhere. localhost is 127.0.0.1 and ::1; [::]
            is every interface, of IPv4 too. Port 0 takes any free port. A -b flag replaces the addresses
            in this file. ssl://HOST:PORT is a port where TLS is spoken, with what the setting tls says, or
            with ?cert=FILE&key=FILE (and key_password_command, ocsp, client_ca, verify, min_version).
            Parameters follow a ?, with & between them: backlog=1024; ipv6only=true for [::]
            without IPv4; reuse_port=true where another server listens at the same port, and says the same;
            mode=0660 or umask=0007 for the file of a unix socket, to which everybody may
            connect (0777) otherwise.
          TEXT
          Setting.new(:port, Kinds::Whole.new(0..65_535), default: Address::PORT, flags: %w[-p --port],
                      variables: %w[PORT], shorthand: true,
                      summary: "port to listen on, on 127.0.0.1 unless kino.rb names a host", doc: <<~TEXT),
            Short for an address with this port, on host. Beside bind in the same place it is one more
            address; from a stronger place (-p, or PORT in the environment) it changes the port of the
            first tcp:// address. PORT where nobody names a host listens on every interface.
          TEXT
          Setting.new(:host, Address::Host, default: Address::HOST, shorthand: true,
                      summary: "host to listen on, for port", doc: <<~TEXT),
            The host that goes with port. 0.0.0.0 is every IPv4 interface of this machine, :: every one,
            localhost both 127.0.0.1 and ::1.
          TEXT
          Setting.new(:tls, TLS.new, default: [].freeze, default_text: "none",
                      summary: "certificates for ssl:// addresses that name none", doc: <<~TEXT),
            A certificate and its key for the addresses that begin with ssl:// and name none themselves:
            cert: and key: are the paths of PEM files, or the PEM text; behind the certificate stand those
            between it and its root. Write it once for each certificate: a client gets the one for the
            name it asks for (*.example.org is any one name), and the first where none is. An encrypted
            key has its password printed by key_password_command:. ocsp: is a file with the response to
            staple. Clients are verified by client_ca:, the file of those who sign their certificates, and
            verify: :optional or :required. min_version: "1.3" leaves TLS 1.2 out. A file that changes is
            read again within a second, and on HUP; what is wrong with it is logged, and what was is
            served on.
          TEXT
          Setting.new(:trusted_proxies, Networks.new, default: Networks::LOCAL,
                      default_text: "this machine: #{Networks::LOCAL.join(", ")}", example: ["10.0.0.0/8", "unix"],
                      summary: "proxies that tell the client's scheme, host and port", doc: <<~TEXT)
            Proxies whose word is taken on how their client came: from these addresses,
            X-Forwarded-Proto, -Scheme, -Ssl, -Host and -Port, and RFC 7239's Forwarded, set
            rack.url_scheme, HTTPS, SERVER_NAME and SERVER_PORT. "unix" is whoever may open Kino's unix
            sockets; false is nobody. From others these headers change nothing, though the app sees them.
            A list replaces the default.
          TEXT
        ],
        "How requests are run" => [
          Setting.new(:mode, Kinds::Choice.new(:threaded, :ractor, :auto), default: nil,
                      default_text: "threaded", example: :threaded, flags: %w[-m --mode],
                      summary: "how workers run: threaded, ractor or auto", doc: <<~TEXT),
            How workers run. :threaded runs any Rack app, Rails included, on threads that share one
            interpreter lock. :ractor runs each worker in a ractor, in parallel, for apps that can be
            shared between ractors: kino --check says whether yours can, and why not. :auto takes ractors
            from Ruby 4.0 on where the app can be shared, threads otherwise, and says which and why; a
            change of the app may then change how many requests run at once.
          TEXT
          Setting.new(:workers, Kinds::Whole.new(1..1024, words: { "auto" => -> { Cpus.count } }),
                      default: nil, default_text: "1; in mode :ractor one for each CPU", example: 2,
                      flags: %w[-w --workers], summary: "workers to run", doc: <<~TEXT),
            Workers to run: workers x threads requests run at once. In mode :ractor each has a core of its
            own, and the default, which "auto" stands for too, is the number of CPUs this process may use:
            its CPU affinity and its container's CPU quota are honoured. In mode :threaded all share one
            interpreter lock, so more of them are only more threads. In mode :ractor WEB_CONCURRENCY says
            how many there are; in others it means processes.
          TEXT
          Setting.new(:threads, Kinds::Threads.new(1..1024), default: nil,
                      default_text: "5; 1 in mode :ractor", example: 5, flags: %w[-t --threads],
                      variables: %w[RAILS_MAX_THREADS], summary: "threads in each worker, or MIN:MAX", doc: <<~TEXT),
            Threads in each worker. With more of them more requests can wait at once, for a database or
            another service; an app that only computes needs few. A database pool needs workers x
            threads connections. A least and a most (threads 3, 16) start as many as are needed: more
            while requests wait, all threads are busy and some of them wait for I/O; fewer when some have
            had nothing to do for thread_idle_timeout. In mode :ractor there are always the most.
          TEXT
          Setting.new(:min_threads, Kinds::Whole.new(1..1024), default: nil, default_text: "threads", example: 3,
                      summary: "threads that each worker always has", doc: <<~TEXT),
            The least of threads, where it is said apart: threads 3, 16 is min_threads 3 and threads 16.
            Whoever says threads in a stronger place (-t 8) says the least, too; RAILS_MAX_THREADS doesn't.
          TEXT
          Setting.new(:thread_idle_timeout, PATIENCE, default: 30,
                      summary: "seconds until a thread with nothing to do ends", doc: <<~TEXT),
            For a thread above the least, without a request, until it ends; one after the other.
          TEXT
          Setting.new(:max_io_threads, Kinds::Whole.new(0..1024), default: 0, example: 16,
                      summary: "threads besides, for requests marked as I/O bound", doc: <<~TEXT),
            Threads that each worker may have besides the most, one for each request that the app has
            marked as one that mostly waits: env["puma.mark_as_io_bound"].call, which there is with this
            setting, or env["kino.request"].mark_as_io_bound. They need database connections like others.
            0, the default, for none; none in mode :ractor.
          TEXT
          Setting.new(:gc_when_idle, Kinds::Flag.new, default: false, example: true,
                      summary: "collect garbage while no request runs", doc: <<~TEXT),
            Whether Ruby collects its garbage while no request runs or waits, once the next collection of
            all objects (a major one) is near: it comes sooner than it would, and in the middle of no
            request. A request that comes in the middle of it waits for it. Measure before you keep it: it
            helps where there are gaps between requests, and does nothing where there are none.
          TEXT
          Setting.new(:on_worker_boot, WORKER_HOOK, default: [].freeze, default_text: "none",
                      summary: "called in each worker before it serves", doc: <<~TEXT),
            Called in each worker before it serves, with the worker's number, from 0: the place to open
            what every worker has of its own. May be written more than once. In mode :ractor it runs in
            the worker's ractor, so it can use constants and frozen values only. A worker whose hook
            raises is started again, and ends the server when that goes on.
          TEXT
          Setting.new(:on_worker_stop, WORKER_HOOK, default: [].freeze, default_text: "none",
                      summary: "called in each worker after it has served", doc: <<~TEXT),
            Called in each worker after it has served its last request, with the worker's number.
          TEXT
          Setting.new(:on_thread_boot, WORKER_HOOK, default: [].freeze, default_text: "none",
                      summary: "called in each thread of a worker before it serves", doc: <<~TEXT),
            Called in each thread that serves requests, before its first, with its worker's number: the
            place for what a thread has of its own, such as a connection handler of Active Record in a
            ractor. In mode :ractor it runs in the worker's ractor, as on_worker_boot does. A hook that
            raises is logged, and its thread serves all the same.
          TEXT
          Setting.new(:on_drain, Kinds::Hook.new("{ FEED.close }"), default: [].freeze, default_text: "none",
                      summary: "called when the server is told to stop", doc: <<~TEXT),
            Called once, with nothing, when the server is told to stop, before it waits for what runs: the
            place to end answers that have no end of their own, such as server-sent events. It runs in the
            main ractor. drain_delay is over by then; a stop at once doesn't call it.
          TEXT
          Setting.new(:on_error, Kinds::Hook.new("{ |error, env| warn error.message }"), default: [].freeze,
                      default_text: "none", summary: "called with each error that the app lets pass", doc: <<~TEXT),
            Called with each error that nothing in the app has dealt with, and the request's env, once the
            client has its answer and the error is logged: the place to tell an error tracker. It may take
            fewer arguments. env is nil for an error outside of any request. May be written more than
            once. In mode :ractor it runs in the worker's ractor, as on_worker_boot does. It is called, too,
            for requests that got a 504 (Kino::RequestTimeoutError) and for workers that are stuck
            (Kino::WorkerStuckError), with the backtrace of where the app's thread is; in mode :ractor
            without that and the env, in the main ractor.
          TEXT
          Setting.new(:lowlevel_error_handler, Kinds::Handler.new(3, '{ |error| [500, {}, ["Sorry"]] }'),
                      default: nil, default_text: "none", summary: "makes the answer to an error of the app",
                      doc: <<~TEXT),
            Makes the client's answer to an error that nothing in the app has dealt with: a Rack answer,
            with a body that is an Array of Strings or has each. It is called with the error, the request's
            env and the status 500, and may take fewer. Where it raises, or its answer can't be sent, the
            client gets the plain 500, as without it. What a client has done wrong never comes here. In
            mode :ractor it runs in the worker's ractor, as on_worker_boot does.
          TEXT
          Setting.new(:error_page, Viewers.new, default: Networks::LOCAL,
                      default_text: "this machine: #{Networks::LOCAL.join(", ")}",
                      example: ["127.0.0.1", "172.17.0.0/16"],
                      summary: "who sees errors of the app, in development", doc: <<~TEXT)
            Who is answered, in environment development alone, with the error itself where nothing in the
            app has dealt with one: its causes, the source around it, the backtrace and the request, without
            what looks like a secret. As HTML, as JSON where Accept asks for that, else as text. These are
            addresses and networks; who comes by proxies has to be one of them, and so have the proxies.
            Everybody else gets the plain 500. A list replaces the default; false is nobody.
          TEXT
        ],
        "Processes" => [
          Setting.new(:processes, Kinds::Processes.new(1..256, words: { "auto" => -> { Cpus.count } }),
                      default: nil, default_text: "1", example: 4, flags: %w[--processes],
                      variables: %w[WEB_CONCURRENCY],
                      summary: "processes to fork from one booted app", doc: <<~TEXT),
            Copies of the booted app to fork, each of which serves as one process alone does: that is how
            an app that can't leave one interpreter lock, as Rails can't, has all cores. What is said of
            workers, threads, connections and bounds holds for each of them. "auto" is the number of CPUs
            this process may use. With 1 nothing is forked. In mode :ractor WEB_CONCURRENCY means workers,
            and no processes.
          TEXT
          Setting.new(:preload, Kinds::Flag.new, default: true, example: false,
                      summary: "boot the app once, and fork it", doc: <<~TEXT),
            Whether the app is booted once, and its processes share the memory of that. With false each
            process boots an app of its own: for one that can't be forked.
          TEXT
          Setting.new(:before_fork, LETTING_GO, default: [].freeze, default_text: "none",
                      summary: "called in the booted app before it is forked", doc: <<~TEXT),
            Called once, with nothing, where the app has been booted, before the first process is forked:
            the place to let go of what two processes can't share, such as connections. Active Record's
            are let go of without it.
          TEXT
          Setting.new(:on_warmup, Kinds::Hook.new('{ |app| app.get("/login") }'), default: [].freeze,
                      default_text: "none", summary: "called with the booted app before it is forked", doc: <<~TEXT),
            Called where the app has been booted, with what requests can be sent through it by: get(path),
            with headers if need be, gives the status. What is loaded and compiled then is there once for
            all processes. A hook that raises ends the start, or the restart, with what it has raised.
          TEXT
          Setting.new(:on_process_boot, Kinds::Hook.new("{ |process| CACHE.connect(process) }"), default: [].freeze,
                      default_text: "none", summary: "called in each process before it serves", doc: <<~TEXT),
            Called in each process before it serves, with its number, from 0: the place to open what every
            process has of its own. Active Record and redis need no line here. With one process, which is
            not forked, it is not called.
          TEXT
          Setting.new(:on_process_exit, LETTING_GO, default: [].freeze, default_text: "none",
                      summary: "called in each process after it has served", doc: <<~TEXT),
            Called in each process after it has served its last request, with its number.
          TEXT
          Setting.new(:process_timeout, Kinds::Optional.new(PATIENCE, nothing: "no such watch"), default: 60,
                      summary: "seconds until a process counts as stuck", doc: <<~TEXT),
            For a process without a sign of life, or that finishes no request while some wait: then it is
            told of with what it serves, ended, and another takes its place.
          TEXT
          Setting.new(:refork_after, Kinds::Steps.new, default: [].freeze, default_text: "never",
                      example: 1000, summary: "requests of a process until others are forked from it", doc: <<~TEXT),
            Requests that a process has served when it becomes the one that all others are forked from,
            one after the other: what it has loaded and compiled by then is shared from there on. A list
            such as [1000, 10000] has the numbers of the first time, the second and so on; the last one
            counts again and again, unless false comes after it. false, the default, is for never.
          TEXT
          Setting.new(:on_refork, LETTING_GO, default: [].freeze, default_text: "none",
                      summary: "called in a process before others are forked from it", doc: <<~TEXT),
            Called in a process that has served, and that others are going to be forked from (refork_after),
            before the first is.
          TEXT
          Setting.new(:recycle_requests, Kinds::Optional.new(COUNT), default: nil, example: 100_000,
                      summary: "requests until a process is replaced", doc: <<~TEXT),
            Requests that a process serves until another takes its place, up to a tenth more, so that they
            aren't replaced all at once; one at a time, the new one first. nil, the default, for no limit.
          TEXT
          Setting.new(:recycle_memory, Kinds::Optional.new(Kinds::Bytes.new(16 * 1024**2..1024**4)), default: nil,
                      example: "512MB", summary: "memory until a process is replaced", doc: <<~TEXT),
            Memory of a process (its proportional share, PSS) past which another takes its place, looked at
            every few seconds: "512MB", "1.5GB". One at a time, the new one first. nil, the default, for no
            limit.
          TEXT
          Setting.new(:restart_timeout, PATIENCE, default: 120, summary: "seconds for a restart to be ready",
                      doc: <<~TEXT),
            For what a restart boots anew, until it is ready to serve. Past it, the restart is given up, and
            what ran before runs on.
          TEXT
          Setting.new(:restart_file, Kinds::Optional.new(FILE, nothing: "none"), default: nil,
                      example: "tmp/restart.txt", summary: "file whose touch asks for a restart", doc: <<~TEXT)
            A file that is looked at every second: whoever touches it asks for a restart, process by process
            where there are several, and else by another server that takes this one's place. bin/rails
            restart touches tmp/restart.txt. nil, the default, for none; plugin :tmp_restart, as Rails writes
            it for Puma, is "tmp/restart.txt".
          TEXT
        ],
        "The app" => [
          Setting.new(:environment,
                      Kinds::Text.new("NAME", "a word such as production", /\A[[:alnum:]][\w.-]*\z/),
                      default: "development", example: "production", flags: %w[-e --environment],
                      variables: %w[RACK_ENV RAILS_ENV], summary: "environment the app runs in", doc: <<~TEXT),
            The environment the app runs in. Kino puts it in RACK_ENV, which Rails reads where RAILS_ENV
            is not set.
          TEXT
          Setting.new(:rackup, FILE, default: "config.ru",
                      summary: "file that has the app", doc: <<~TEXT),
            The file that has the app. `kino path/to/config.ru` names it too.
          TEXT
          Setting.new(:early_hints, Kinds::Flag.new, default: false, example: true, flags: %w[--early-hints],
                      summary: "offer apps rack.early_hints", doc: <<~TEXT),
            Whether requests are offered rack.early_hints, by which an app has a 103 sent before its
            answer. Rails then sends one for each asset tag. Only for clients, and proxies in front, that
            are known to take one: some hand it out as the answer (RFC 8297, section 3).
          TEXT
          Setting.new(:quiet, Kinds::Flag.new, default: false, example: true, flags: %w[--quiet],
                      summary: "print errors only", doc: <<~TEXT),
            Whether Kino says nothing when it starts and stops. Errors are always printed, and so is what
            others tell it to do.
          TEXT
          Setting.new(:pidfile, Kinds::Optional.new(FILE, nothing: "none"), default: nil, example: "tmp/pids/kino.pid",
                      summary: "file for the process's id", doc: <<~TEXT),
            A file that has the process's id from the moment it listens to its end, for what stops it by
            that; nil, the default, for none. systemd and containers need none.
          TEXT
          Setting.new(:logger, Kinds::Optional.new(Kinds::Log.new, nothing: "standard output and error"), default: nil,
                      summary: "logger that what Kino says goes through", doc: <<~TEXT)
            A logger that all goes through which Kino has to say, of its start and stop, of its workers,
            and what its Rust core logs (KINO_LOG says how much): require "logger" first. There is one for
            the process, that of the server started last. nil, the default, for standard output and error.
          TEXT
        ],
        "Logs" => [
          Setting.new(:log_format, Kinds::Choice.new(:text, :json), default: :text, example: :json,
                      flags: %w[--log-format], summary: "text or json, of what Kino says", doc: <<~TEXT),
            Whether what Kino says of itself, and errors of the app, are :text or a line of :json each,
            with time, level, message and more; of an error method, path, request_id, its class, message
            and backtrace. With a logger, that decides.
          TEXT
          Setting.new(:log_level, Kinds::Choice.new(:debug, :info, :warn, :error), default: :info, example: :warn,
                      flags: %w[--log-level], summary: "what Kino says: debug, info, warn or error", doc: <<~TEXT),
            The least severity of what Kino says. :debug shows each request that was refused, :warn leaves
            out what is said at start and stop, :error warnings, too. KINO_LOG wins over it for the Rust
            core. Errors of the app are always said.
          TEXT
          Setting.new(:access_log, Kinds::Optional.new(Kinds::LogTarget.new, nothing: "none"), default: nil,
                      example: "log/access.log", flags: %w[--access-log],
                      summary: "file for a line of each request, or stdout", doc: <<~TEXT),
            A file that gets a line for each request when it is over, also for those that never reached
            the app, with the cause; or :stdout. Lines are written by a thread of its own; what finds no
            room is dropped and counted (stats[:access_log_dropped]). HUP opens the file anew, for
            logrotate, where there is no terminal. The format may stand here, too:
            access_log "log/access.log", format: :json.
          TEXT
          Setting.new(:access_log_format, Kinds::LineFormat.new, default: :combined, example: :json,
                      flags: %w[--access-log-format], summary: "combined, common, json, text or a template",
                      doc: <<~TEXT),
            What a line of the access log is like: :combined and :common as Apache and nginx have them,
            :json with every field of which there is something to tell, :text for people, or a template,
            text with fields in braces. Fields are time, clf_time, peer, remote_addr, request, method,
            target, path, protocol, host, status, bytes, queue, app, total (milliseconds), request_id,
            traceparent, user_agent, referer, worker, process, cause, and header:NAME. peer is the client
            named in X-Forwarded-For by trusted_proxies. A status of 499 is for a client that left before
            its answer began, 000 for one that got none for another reason.
          TEXT
          Setting.new(:filter_query, Kinds::QueryFilter.new, default: false, example: %w[token password],
                      summary: "what of queries the access log leaves out", doc: <<~TEXT),
            Whether the access log leaves queries out, of targets and referers, since they may hold
            secrets; or the names of the parameters whose values become [FILTERED], also within brackets
            (user[password]).
          TEXT
          Setting.new(:request_id, Kinds::Flag.new, default: false, example: true,
                      summary: "know each request by an id", doc: <<~TEXT),
            Whether each request has an id: that of its X-Request-Id, if that is 1 to 128 letters, digits
            and any of _ - . / + =, or a new one (UUIDv7). The app finds it in HTTP_X_REQUEST_ID, where
            Rails takes it from, and in kino.request_id; the answer has it in X-Request-Id, unless the app
            sets that; and so do the access log and what is logged of an error.
          TEXT
          Setting.new(:server_timing, Kinds::Flag.new, default: false, example: true,
                      summary: "tell clients how long requests took", doc: <<~TEXT)
            Whether answers have a Server-Timing header with the milliseconds that the request waited for
            a worker (queue) and that the app took until its answer's head (app), which browsers show
            among what they loaded. Everybody who asks sees it.
          TEXT
        ],
        "Bounds on a request" => [
          Setting.new(:max_header_size, Kinds::Whole.new(1024..16_777_216), default: 65_536,
                      summary: "bytes of a request's head", doc: <<~TEXT),
            Bytes a request's head may have, from its first line to the empty one. A longer one is
            answered with 431. One of HTTP/2 counts as many as it would have on HTTP/1.1.
          TEXT
          Setting.new(:max_headers, Kinds::Whole.new(1..10_000), default: 128,
                      summary: "header fields of a request", doc: <<~TEXT),
            Header fields a request may have. More are answered with 431.
          TEXT
          Setting.new(:max_uri_size, Kinds::Whole.new(64..16_777_216), default: 16_384,
                      summary: "bytes of a request's target", doc: <<~TEXT),
            Bytes a request's target (its path and query) may have. A longer one is answered with 414.
          TEXT
          Setting.new(:max_body_size, Kinds::Optional.new(Kinds::Whole.new(0..1_125_899_906_842_624)),
                      default: 1_073_741_824, summary: "bytes of a request's body", doc: <<~TEXT),
            Bytes a request's body may have; nil for no limit. A longer one is answered with 413, and
            the app never sees it; an app that reads it while it arrives gets Kino::BodyTooLargeError.
          TEXT
          Setting.new(:stream_bodies, Kinds::Paths.new, default: false, example: ["/uploads"],
                      summary: "hand requests over before their body has come", doc: <<~TEXT),
            Whether a request goes to the app with its head, which then reads the body from rack.input
            while it arrives (no rewind, no size): true, or the beginnings of paths that it is for. By
            default a request is complete when the app gets it, so that no slow client holds a thread. A
            client that waits for a 100 (Expect: 100-continue) has it at once by default, and here when
            the app first reads, so that an app may refuse the body unsent. At most half of the threads
            wait for clients, so with one thread in all none does; past that, bodies are waited for as
            ever, over HTTP/2 until another has come.
          TEXT
          Setting.new(:underscore_headers, Kinds::Flag.new, default: false, example: true,
                      summary: "let header names with an underscore through", doc: <<~TEXT),
            Whether the app sees headers whose name has an underscore. X_User and X-User are the same key
            of the env, and a proxy may have checked only one of them: where both come, the app sees
            X-User.
          TEXT
          Setting.new(:body_buffer, Kinds::Whole.new(0..1_073_741_824), default: 65_536,
                      summary: "bytes of a request's body kept in memory", doc: <<~TEXT),
            Bytes of a request's body that are kept in memory. A longer body goes to an unlinked
            temporary file while it arrives.
          TEXT
          Setting.new(:spool_dir, Kinds::Folder.new, default: -> { temporary_folder },
                      default_text: "the system's temporary folder", example: "/var/tmp",
                      summary: "folder for bodies past body_buffer", doc: <<~TEXT),
            The folder those temporary files are made in, and those for long answers whose clients are
            slow to read. Where the default can't be written to, as in a read-only container, Kino says
            so at the start, and answers bodies past body_buffer with 503.
          TEXT
          Setting.new(:spool_limit, Kinds::Optional.new(Kinds::Whole.new(0..1_125_899_906_842_624)), default: nil,
                      default_text: "a tenth of what is free on its disk", example: 1_073_741_824,
                      summary: "bytes of all files in spool_dir together", doc: <<~TEXT)
            Bytes that all those files together may have; nil, the default, for a tenth of what is free
            on the disk when Kino starts. Past it, a body is answered with 503, and an answer that its
            client is slow to read is aborted. They may take up to seven eighths of the open files that
            Kino has for connections and files, too.
          TEXT
        ],
        "Bounds on load" => [
          Setting.new(:max_connections, COUNT, default: -> { connections_for },
                      default_text: "nine tenths of the open-file limit", example: 1024,
                      summary: "connections held at once", doc: <<~TEXT),
            Connections held at once. Past it, those that have been idle for longest are closed for new
            ones; where none is idle, new ones wait in the system's backlog. The default is nine tenths of
            the open-file limit (`ulimit -n`), and at most 10240.
          TEXT
          Setting.new(:queue_depth, COUNT, default: 1024, summary: "requests that may wait for a worker",
                      doc: <<~TEXT),
            Requests that may wait for a worker. Past it, new ones are answered with 503 at once.
          TEXT
          Setting.new(:max_keepalive_requests, Kinds::Optional.new(COUNT), default: nil, example: 1000,
                      summary: "requests of one connection", doc: <<~TEXT)
            Requests one connection may make, the last of which is answered with connection: close; nil
            for no limit. With a limit, a load balancer spreads its connections anew now and then.
          TEXT
        ],
        "HTTP/2" => [
          Setting.new(:http2, Kinds::Optional.new(Kinds::Flag.new, nothing: "HTTP/2 over TLS alone"), default: nil,
                      example: true, summary: "speak HTTP/2 to clients that know it", doc: <<~TEXT),
            Whether clients are spoken to in HTTP/2 that want it: over TLS those that ask for it in the
            handshake (ALPN), as browsers do; without TLS, with true, those that begin a connection as
            HTTP/2 does (prior knowledge, as curl's --http2-prior-knowledge, gRPC or a proxy that is told
            so). All others are spoken to in HTTP/1.1, on the same ports. Its requests reach the app as
            any do, but for rack.hijack, which only those for a WebSocket have. false for HTTP/1.1 alone.
          TEXT
          Setting.new(:http2_max_streams, Kinds::Whole.new(1..100_000), default: 128, example: 250,
                      summary: "requests that one connection of HTTP/2 may make at a time", doc: <<~TEXT)
            Requests that one connection of HTTP/2 may make at one time. Clients are told, and wait with
            others; those that don't are refused (REFUSED_STREAM), and may ask again.
          TEXT
        ],
        "Deadlines, in seconds" => [
          Setting.new(:header_timeout, PATIENCE, default: 15, summary: "seconds for a request's head",
                      doc: <<~TEXT),
            For a request's whole head, from its first byte to its last, or of a connection's first from
            accept on. Past it: 408. A new connection that sends nothing is closed after as long.
          TEXT
          Setting.new(:handshake_timeout, PATIENCE, default: 10,
                      summary: "seconds for a TLS handshake", doc: <<~TEXT),
            From accept until a TLS handshake is done, at ssl:// addresses; header_timeout begins after that.
            Past it, the connection is closed.
          TEXT
          Setting.new(:body_timeout, PATIENCE, default: 30,
                      summary: "seconds without a byte of a request's body", doc: <<~TEXT),
            Without a byte of a request's body that is awaited. Past it: 408.
          TEXT
          Setting.new(:body_min_rate, Kinds::Whole.new(0..1_000_000_000), default: 500,
                      summary: "bytes a second a request's body has to come at", doc: <<~TEXT),
            Bytes a second that a request's body has to come at, on the whole, once it has taken 30
            seconds; 0 for any rate. Below it: 408.
          TEXT
          Setting.new(:queue_timeout, PATIENCE, default: nil, default_text: "30; 5 in mode :ractor", example: 30,
                      summary: "seconds a request may wait for a worker", doc: <<~TEXT),
            For a request, until a worker takes it. Past it: 503, even while no worker answers at all. A
            request whose client has left meanwhile is dropped. Where a load balancer should hear soon
            that this server is overloaded, make it shorter.
          TEXT
          Setting.new(:request_timeout, Kinds::Optional.new(PATIENCE), default: nil, example: 60,
                      summary: "seconds until the app's answer begins", doc: <<~TEXT),
            From the moment a request is ready to be served until its answer begins. Past it the client
            gets 504 at once, while the app runs on; its late answer is dropped and counted. nil, the
            default, for no limit. A body that the app reads while it arrives is part of that time.
          TEXT
          Setting.new(:keepalive_timeout, PATIENCE, default: 65,
                      summary: "seconds between two requests of a connection", doc: <<~TEXT),
            Between two requests of one connection. Past it, the connection is closed. Behind a proxy or
            a load balancer, keep it longer than theirs.
          TEXT
          Setting.new(:write_timeout, PATIENCE, default: 30, summary: "seconds without progress on an answer",
                      doc: <<~TEXT),
            Without progress while an answer is sent. Past it, the connection is aborted.
          TEXT
          Setting.new(:write_min_rate, Kinds::Whole.new(0..1_000_000_000), default: 500,
                      summary: "bytes a second an answer has to be read at", doc: <<~TEXT),
            Bytes a second that a client has to read an answer at, on the whole, once it has been waited
            for for 30 seconds; 0 for any rate. Below it, the connection is aborted.
          TEXT
          Setting.new(:stuck_timeout, Kinds::Optional.new(PATIENCE), default: nil, example: 60,
                      summary: "seconds until a worker counts as stuck", doc: <<~TEXT),
            For one request, until its worker counts as stuck: it is reported with the request's method
            and path, set aside, and another takes its place, as many as there are workers at most. It is
            never ended. nil, the default, looks for none. A streamed answer counts from its last part.
          TEXT
          Setting.new(:shutdown_timeout, Kinds::Seconds.new(0..86_400), default: 30,
                      summary: "seconds for running requests when stopping", doc: <<~TEXT),
            For requests that still run when Kino is told to stop. Past it, Kino ends without them, with
            exit status 1. What the app wants done at exit has as long again.
          TEXT
          Setting.new(:drain_delay, Kinds::Seconds.new(0..86_400), default: 0, example: 5,
                      summary: "seconds to go on for when told to stop", doc: <<~TEXT)
            To go on for when Kino is told to stop, accepting connections but ending each with its
            answer, so that a load balancer has time to notice. It is part of shutdown_timeout, and a
            second signal ends it.
          TEXT
        ],
        "How it is, and what it is to do" => [
          Setting.new(:control, Kinds::Optional.new(Address::One, nothing: "none"), default: nil,
                      example: "unix:///run/kino.sock", flags: %w[--control],
                      summary: "address at which the server tells how it is", doc: <<~TEXT),
            An address of its own at which the server tells how it is (/live, /ready, /stats, /requests,
            /metrics, a page for people) and does what it is told, whatever Ruby and the workers are at:
            unix:///PATH, or tcp://127.0.0.1:PORT. Only the server's own user may connect to a unix
            socket, unless the address says ?mode=0660. What other machines can reach needs control_token.
            nil, the default, for none.
          TEXT
          Setting.new(:control_token, Kinds::Optional.new(FILE, nothing: "none"), default: nil,
                      example: "/etc/kino.token",
                      summary: "file with what clients of the control address have to know", doc: <<~TEXT),
            A file with a text that clients of that address have to send over TCP, as authorization:
            Bearer TEXT: for all that changes anything, and, where other machines can reach the address, for all
            but /live and /ready. It is read when Kino starts. nil, the default, for none.
          TEXT
          Setting.new(:health_path,
                      Kinds::Optional.new(Kinds::Text.new("PATH", "a path such as /up", %r{\A/[!-~&&[^?#]]*\z}),
                                          nothing: "none"),
                      default: nil, example: "/up", summary: "path at which the server tells whether it is ready",
                      doc: <<~TEXT),
            A path at which Kino itself answers, among the app's own, whether it takes requests: 200, or
            503 while it boots, while it stops, and when none was taken for ready_timeout though some wait.
            It answers even while every thread is busy. nil, the default, leaves all paths to the app.
          TEXT
          Setting.new(:ready_timeout, PATIENCE, default: 10,
                      summary: "seconds until a server that takes nothing is not ready", doc: <<~TEXT)
            For requests that wait while no thread takes any, until the server says that it isn't ready
            (at /ready and at health_path). It serves on as ever.
          TEXT
        ]
      }.freeze

      # Every setting by name, shorthands included.
      TABLE = SECTIONS.values.flatten.to_h { |setting| [setting.name, setting] }.freeze
      # The settings a {Configuration} has: all but the shorthands.
      KEPT = TABLE.values.reject(&:shorthand?).freeze

      # @param name [#to_sym] what was written
      # @param source [Source] where
      # @return [Setting]
      # @raise [ConfigurationError] when there is none of that name; with the nearest that there is
      def self.fetch(name, source)
        TABLE.fetch(name.to_sym) do
          near = Nearest.to(name, TABLE.keys)
          cure = near ? "did you mean #{near}?" : "the settings are #{TABLE.keys.join(", ")}"
          raise ConfigurationError, "#{source.label(name)}: there is no such setting; #{cure}"
        end
      end
    end
  end
end
