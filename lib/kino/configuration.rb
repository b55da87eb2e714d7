# frozen_string_literal: true

require_relative "errors"
require_relative "configuration/nearest"
require_relative "configuration/source"
require_relative "configuration/kinds"
require_relative "configuration/log_kinds"
require_relative "configuration/bind_parameters"
require_relative "configuration/address"
require_relative "configuration/networks"
require_relative "configuration/tls"
require_relative "configuration/cpus"
require_relative "configuration/setting"
require_relative "configuration/settings"
require_relative "configuration/layer"
require_relative "configuration/resolver"
require_relative "configuration/puma"
require_relative "configuration/puma_forms"
require_relative "configuration/dsl"

module Kino
  # Everything a server is told at boot: checked, complete and frozen. Nothing changes it afterwards; {#with} makes
  # another.
  #
  # @example
  #   configuration = Kino::Configuration.new(port: 3000, threads: 8)
  #   configuration.bind    # => ["tcp://127.0.0.1:3000"]
  #   configuration.threads # => 8
  class Configuration
    # @return [Array<String>] addresses to listen on, as `tcp://HOST:PORT`, `ssl://HOST:PORT`, `unix:///PATH` or
    #   `unix://@NAME`, with their parameters after a `?`; default `tcp://127.0.0.1:9292`
    attr_reader :bind
    # @return [Array<Hash{Symbol => String}>] certificates for addresses where TLS is spoken, and how clients are
    #   verified, a Hash for each time that it was said; default none
    attr_reader :tls
    # @return [Array<String>] addresses and networks of proxies that tell the client's scheme, host and port; default
    #   `127.0.0.0/8`, `::1` and `unix`
    attr_reader :trusted_proxies
    # @return [Integer, Float] seconds until a thread above the least that has no request ends, 0.1 to 86,400; default
    #   30
    attr_reader :thread_idle_timeout
    # @return [Boolean] whether garbage is collected while no request runs, once that is near; default false
    attr_reader :gc_when_idle
    # @return [Array<#call>] called in each worker with its number before it serves; default none
    attr_reader :on_worker_boot
    # @return [Array<#call>] called in each worker with its number after it has served; default none
    attr_reader :on_worker_stop
    # @return [Array<#call>] called in each thread with its worker's number before it serves; default none
    attr_reader :on_thread_boot
    # @return [Boolean] whether the app is booted once, and its processes forked from that; default true
    attr_reader :preload
    # @return [Array<#call>] called where the app has been booted before it is forked; default none
    attr_reader :before_fork
    # @return [Array<#call>] called with the booted app, as `get(path)`, before it is forked; default none
    attr_reader :on_warmup
    # @return [Array<#call>] called in each process with its number before it serves; default none
    attr_reader :on_process_boot
    # @return [Array<#call>] called in each process with its number after it has served; default none
    attr_reader :on_process_exit
    # @return [Integer, Float, nil] seconds until a process counts as stuck, 0.1 to 86,400; nil for no such watch;
    #   default 60
    attr_reader :process_timeout
    # @return [Array<Integer, false>] requests of a process until others are forked from it, the first time, the second
    #   and so on; default none, for never
    attr_reader :refork_after
    # @return [Array<#call>] called in a process before others are forked from it; default none
    attr_reader :on_refork
    # @return [Integer, nil] requests until a process is replaced, 1 to 1,000,000; default nil for no limit
    attr_reader :recycle_requests
    # @return [Integer, nil] bytes of memory until a process is replaced, 16 MiB to 1 TiB; default nil for no limit
    attr_reader :recycle_memory
    # @return [Integer, Float] seconds until a restart is given up, 0.1 to 86,400; default 120
    attr_reader :restart_timeout
    # @return [Array<#call>] called when the server is told to stop, before it waits; default none
    attr_reader :on_drain
    # @return [Array<#call>] called with each error that nothing in the app has dealt with, and the request's env, or
    #   nil; default none
    attr_reader :on_error
    # @return [#call, nil] makes the answer to such an error, of it, the env and the status 500; default nil for a plain
    #   500
    attr_reader :lowlevel_error_handler
    # @return [Array<String>] networks whose clients see errors of the app in development, `"unix"` for those of unix
    #   sockets; default this machine's
    attr_reader :error_page
    # @return [String, nil] path of a file whose touch asks for a restart; default nil for none
    attr_reader :restart_file
    # @return [String] what the app finds in `RACK_ENV`; default `"development"`
    attr_reader :environment
    # @return [String] path of the file that has the app; default `"config.ru"`
    attr_reader :rackup
    # @return [Boolean] whether apps are offered `rack.early_hints`; default false
    attr_reader :early_hints
    # @return [Boolean] whether only errors are printed; default false
    attr_reader :quiet
    # @return [String, nil] path of the file that has the process's id; default nil for none
    attr_reader :pidfile
    # @return [#add, nil] logger that what Kino says goes through; default nil for standard output and error
    attr_reader :logger
    # @return [Symbol] whether what Kino says is `:text` or `:json`; default `:text`
    attr_reader :log_format
    # @return [Symbol] the least severity of that, `:debug`, `:info`, `:warn` or `:error`; default `:info`
    attr_reader :log_level
    # @return [String, Symbol, nil] path of the file that has a line for each request, or `:stdout`; default nil for
    #   none
    attr_reader :access_log
    # @return [Symbol, String] what such a line is like, `:combined`, `:common`, `:json`, `:text` or a template; default
    #   `:combined`
    attr_reader :access_log_format
    # @return [Boolean, Array<String>] whether queries are left out there, or the parameters whose values are; default
    #   false
    attr_reader :filter_query
    # @return [Boolean] whether each request has an id, its own or a new one; default false
    attr_reader :request_id
    # @return [Boolean] whether answers tell how long their requests waited and took; default false
    attr_reader :server_timing
    # @return [Integer] bytes of a request's head, 1024 to 16 MiB; default 65,536
    attr_reader :max_header_size
    # @return [Integer] fields of a request's head, 1 to 10,000; default 128
    attr_reader :max_headers
    # @return [Integer] bytes of a request's target, 64 to 16 MiB; default 16,384
    attr_reader :max_uri_size
    # @return [Integer, nil] bytes of a request's body, nil for no limit; default 1 GiB
    attr_reader :max_body_size
    # @return [Boolean, Array<String>] whether requests are handed over before their body has come, or the beginnings of
    #   paths that are; default false
    attr_reader :stream_bodies
    # @return [Boolean] whether the app sees header names with an underscore; default false
    attr_reader :underscore_headers
    # @return [Integer] bytes of a body kept in memory, 0 to 1 GiB; default 65,536
    attr_reader :body_buffer
    # @return [String] folder for longer bodies; default the system's temporary folder
    attr_reader :spool_dir
    # @return [Integer, nil] bytes of all files in that folder together; default nil for a tenth of what is free on
    #   its disk
    attr_reader :spool_limit
    # @return [Integer] connections held at once; default nine tenths of the open-file limit, 10,240 at most
    attr_reader :max_connections
    # @return [Integer] requests that may wait for a worker, 1 to 1,000,000; default 1024
    attr_reader :queue_depth
    # @return [Integer, nil] requests of one connection, 1 to 1,000,000; default nil for no limit
    attr_reader :max_keepalive_requests
    # @return [Boolean, nil] whether HTTP/2 is spoken to clients that want it; default nil for over TLS alone
    attr_reader :http2
    # @return [Integer] streams that one connection of HTTP/2 may have open, 1 to 100,000; default 128
    attr_reader :http2_max_streams
    # @return [Integer] streams a second of one connection that may end before their answers do, 1 to 100,000;
    #   default 64
    attr_reader :http2_max_resets
    # @return [Integer] CONTINUATION frames of one header block, 1 to 100,000; default 32
    attr_reader :http2_max_continuations
    # @return [Integer] frames a second of one connection that ask for nothing, 1 to 100,000; default 128
    attr_reader :http2_max_control_frames
    # @return [Integer] DATA frames a second of one connection with nothing in them, 1 to 100,000; default 128
    attr_reader :http2_max_empty_frames
    # @return [Integer, Float] seconds for a request's head, 0.1 to 86,400; default 15
    attr_reader :header_timeout
    # @return [Integer, Float] seconds for a TLS handshake, 0.1 to 86,400; default 10
    attr_reader :handshake_timeout
    # @return [Integer, Float] seconds without a byte of a body, 0.1 to 86,400; default 30
    attr_reader :body_timeout
    # @return [Integer] bytes a second that a body has to come at after 30 seconds, 0 for any; default 500
    attr_reader :body_min_rate
    # @return [Integer, Float, nil] seconds until the app's answer begins, 0.1 to 86,400; default nil for no limit
    attr_reader :request_timeout
    # @return [Integer, Float] seconds between two requests of a connection, 0.1 to 86,400; default 65
    attr_reader :keepalive_timeout
    # @return [Integer, Float] seconds without progress on an answer, 0.1 to 86,400; default 30
    attr_reader :write_timeout
    # @return [Integer] bytes a second that an answer has to be read at after 30 seconds, 0 for any; default 500
    attr_reader :write_min_rate
    # @return [Integer, Float, nil] seconds for one request until its worker counts as stuck, 0.1 to 86,400; default
    #   nil, which looks for none
    attr_reader :stuck_timeout
    # @return [Integer, Float] seconds to finish what runs when stopping, 0 to 86,400; default 30
    attr_reader :shutdown_timeout
    # @return [Integer, Float] seconds to go on for when stopping, 0 to 86,400; default 0
    attr_reader :drain_delay
    # @return [String, nil] address at which the server tells how it is; default nil for none
    attr_reader :control
    # @return [String, nil] path of the file with what clients of {#control} have to know; default nil for none
    attr_reader :control_token
    # @return [String, nil] path at which the server itself tells whether it is ready; default nil for none
    attr_reader :health_path
    # @return [Integer, Float] seconds until a server that takes nothing while requests wait is not ready, 0.1 to
    #   86,400; default 10
    attr_reader :ready_timeout
    # @api private
    # @return [Array<String>] what the start says of how these came about, a line each
    attr_reader :notes

    # @api private
    # @return [Remarks] what was said that is no setting
    attr_reader :remarks

    # What was said that is no setting.
    #
    # @!attribute [r] workers
    #   @return [Integer, nil] how many of them `WEB_CONCURRENCY` wants in mode `:ractor`
    # @!attribute [r] processes
    #   @return [Integer, nil] how many of them it wants in others
    # @!attribute [r] ignored
    #   @return [Array<String>] words of another server that mean nothing here, each with where it stands and why
    # @!attribute [r] unread
    #   @return [String, nil] a file of another server that nobody has asked to be read
    # @!attribute [r] addressed
    #   @return [Boolean] whether anybody has said where to listen
    # @api private
    Remarks = Data.define(:workers, :processes, :ignored, :unread, :addressed)

    # The mode where nobody chooses one.
    DEFAULT_MODE = :threaded
    # What depends on the mode, where nobody says it. Until `:auto` is decided it is what threads would have.
    DEFAULTS = { processes: { threaded: 1 }.freeze, workers: { threaded: 1, ractor: nil }.freeze,
                 threads: { threaded: 5, ractor: 1 }.freeze,
                 queue_timeout: { threaded: 30, ractor: 5 }.freeze }.freeze
    # The mode, and what is kept as it was said, since a change of the mode changes what becomes of it.
    BY_MODE = [:mode, :min_threads, :max_io_threads, *DEFAULTS.keys].freeze
    private_constant :DEFAULT_MODE, :DEFAULTS, :BY_MODE

    class << self
      # The configuration of a command: flags, then the environment, then a file, then defaults.
      #
      # @api private
      # @param given [Layer] what the command's own flags or options say; the strongest
      # @param env [Hash{String => String}, ENV]
      # @param path [String, nil] the configuration file, see {DSL.load}
      # @param fallback [Layer] what the command would have where nobody else says anything
      # @return [Configuration]
      # @raise [ConfigurationError]
      def load(given, env: ENV, path: nil, fallback: Layer.new)
        fallback.unsaid = true
        from([given, Layer.environment(env), DSL.load(path), fallback])
      end

      # @api private
      # @param layers [Array<Layer>] strongest first
      # @return [Configuration]
      def from(layers) = allocate.tap { |configuration| configuration.send(:take, Resolver.new(layers)) }
    end

    # @param settings [Hash{Symbol => Object}] any of the settings above. `bind` takes one address or several;
    #   `port:` (0 takes any free port) and `host:` are short for the default address with another port or host.
    # @raise [ConfigurationError] on a name that is no setting and on a value that isn't allowed
    # @example
    #   Kino::Configuration.new(bind: ["tcp://[::1]:9292", "unix:///run/app.sock"], workers: 1)
    def initialize(**settings) = take(Resolver.new([Layer.keywords(settings)]))

    # @return [Symbol] what workers are, `:threaded`, `:ractor` or `:auto`; default `:threaded`
    def mode = @mode || DEFAULT_MODE

    # @return [Integer] workers, 1 to 1024; default 1, in mode `:ractor` the CPUs this process may use
    def workers = (@remarks.workers if mode == :ractor) || @workers || default(:workers) || Cpus.count

    # @return [Integer] processes forked from the booted app, 1 to 256; default 1, which forks none
    def processes = (@remarks.processes unless mode == :ractor) || @processes || default(:processes)

    # @return [Integer] threads in each worker, the most that there are, 1 to 1024; default 5, in mode `:ractor` 1
    def threads = @threads.is_a?(Range) ? @threads.end : @threads || default(:threads)

    # @return [Integer] threads that each worker always has, 1 to {#threads}; default, and in mode `:ractor` always,
    #   {#threads}
    def min_threads = (@min_threads unless mode == :ractor) || threads

    # @return [Integer] threads that each worker has besides, while requests are marked as I/O bound, 0 to 1024;
    #   default 0, which it always is in mode `:ractor`
    def max_io_threads = mode == :ractor ? 0 : @max_io_threads

    # @api private
    # @return [Integer] requests that run at once at most, in one process
    def capacity = workers * (threads + max_io_threads)

    # @api private
    # @return [String] how many threads each worker has, for people: `"5"`, or `"3 to 16"`
    def threads_in_words = min_threads < threads ? "#{min_threads} to #{threads}" : threads.to_s

    # @return [Integer, Float] seconds that a request may wait for a worker, 0.1 to 86,400; default 30, in mode
    #   `:ractor` 5
    def queue_timeout = @queue_timeout || default(:queue_timeout)

    # @api private
    # @return [Boolean] whether anybody has said where to listen
    def addressed? = @remarks.addressed

    # @api private
    # @param name [Symbol] a setting whose default depends on others, or `:mode`
    # @return [Boolean] whether somebody has said it
    def said?(name) = !instance_variable_get(:"@#{name}").nil?

    # @param changes [Hash{Symbol => Object}] settings to have otherwise; `port:` changes the first TCP address
    # @return [Configuration] a new one
    # @raise [ConfigurationError]
    # @example
    #   configuration.with(threads: 1)
    def with(**changes)
      kept = to_h.except(*BY_MODE).merge(said)
      remarks = @remarks.with(**changes.slice(:workers, :processes).transform_values { nil })
      resolver = Resolver.new([Layer.keywords(changes), Layer.kept(kept)])
      self.class.allocate.tap { |configuration| configuration.send(:take, resolver, remarks) }
    end

    # @return [Hash{Symbol => Object}] every setting and its value
    def to_h = Settings::KEPT.to_h { |setting| [setting.name, public_send(setting.name)] }

    # @param other [Object]
    # @return [Boolean] whether the other has the same values
    def ==(other) = other.is_a?(Configuration) && to_h == other.to_h
    alias eql? ==

    # @return [Integer] the same for configurations that are {#==}
    def hash = to_h.hash

    # @return [String] every setting and its value
    def inspect
      "#<#{self.class} #{to_h.map { |name, value| "#{name}=#{Settings::TABLE[name].show(value)}" }.join(" ")}>"
    end

    private

    def take(resolver, remarks = resolver.remarks)
      resolver.values.each { |name, value| instance_variable_set(:"@#{name}", value) }
      @notes = resolver.notes.freeze
      @remarks = remarks
      compare_threads(resolver)
      compare_tls(resolver)
      freeze
    end

    # All names at an address have one of these: the last to be written would say what holds for the first.
    def compare_tls(resolver)
      TLS::SHARED.each do |name|
        first, other = tls.filter_map { |given| given[name] }.uniq
        next unless other

        raise ConfigurationError, "#{resolver.label(:tls)}: given two for #{name}:, #{TLS.short(first)} and " \
                                  "#{TLS.short(other)}, allowed: one, which holds for all names at an address; write " \
                                  "it once, or at an address of its own: bind \"ssl://0.0.0.0:443?#{name}=...\""
      end
    end

    def compare_threads(resolver)
      return if min_threads <= threads

      raise ConfigurationError, "#{resolver.label(:min_threads)}: given #{min_threads}, allowed: an Integer up to " \
                                "threads, which is #{threads}; write min_threads #{threads}, or more threads"
    end

    def said = BY_MODE.select { |name| said?(name) }.to_h { |name| [name, instance_variable_get(:"@#{name}")] }

    # What workers in ractors are by default, the CPUs, is counted when it is needed.
    def default(name) = DEFAULTS[name].fetch(mode) { DEFAULTS[name][:threaded] }
  end
end
