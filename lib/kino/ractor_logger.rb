# frozen_string_literal: true

require "logger"
require "pathname"

module Kino
  # A Logger that all ractors can share, each of which writes by itself: to a file that it opens for appending, or to
  # its own `$stdout` or `$stderr`. Ruby's Logger has a lock, which no ractor can share; one that has another ractor
  # write has every request wait for that. A line is one write, so lines of several ractors, and of several processes,
  # don't mix. A file that logrotate, or anyone, has renamed or removed is opened anew within a second.
  #
  # It needs the gem `logger`, which Ruby 4.0 has no longer among those that are always there; Rails depends on it.
  #
  # @example In an app for mode `:ractor`
  #   LOG = Ractor.make_shareable(Kino::RactorLogger.new("log/production.log", level: :info))
  # @example In Rails' `config/environments/production.rb`: `ractorize!` shares it with the rest
  #   config.logger = Kino::RactorLogger.new($stdout)
  class RactorLogger < ::Logger
    # What there is in place of Ruby's own `Logger::LogDevice`.
    #
    # @api private
    class Device
      # Seconds between two looks for a file that has been renamed.
      INTERVAL = 1
      # What each ractor has of its own: the file, and when it looks the next time.
      Opened = Struct.new(:io, :next_look)
      private_constant :INTERVAL, :Opened

      # @param target [String, Symbol] a file's path; or `:out` or `:err`
      def initialize(target)
        @target = target
        @key = :"kino_log_#{target}"
      end

      # @param text [String] a line
      # @return [Integer] bytes
      def write(text) = io.write(text)

      # Each line is out when it was written.
      #
      # @return [Device] itself
      def flush = self

      # Opens this ractor's file anew; others do so when the file is another one.
      #
      # @return [Device] itself
      def reopen(*)
        close
        self
      end

      # Closes this ractor's file, if there is one. The next line opens it again.
      #
      # @return [void]
      def close
        opened = ::Ractor.current[@key] or return

        ::Ractor.current[@key] = nil
        opened.io.close
      end

      private

      def io
        case @target
        when :out then $stdout
        when :err then $stderr
        else file
        end
      end

      def file
        opened = ::Ractor.current[@key]
        return opened.io if opened && (now < opened.next_look || same?(opened))

        io = File.open(@target, "a")
        io.sync = true
        ::Ractor.current[@key] = Opened.new(io, now + INTERVAL)
        io
      end

      # A thread may still write to one that isn't, so nobody closes it but the collector.
      def same?(opened)
        opened.next_look = now + INTERVAL
        File.identical?(@target, opened.io)
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
    # Standard ones, by their descriptors.
    STREAMS = { 1 => :out, 2 => :err }.freeze
    private_constant :Device, :STREAMS

    # @param target [String, Pathname, IO] a file, made where there is none; or `$stdout` or `$stderr`, which is in each
    #   ractor its own
    # @param options [Hash{Symbol => Object}] those of `Logger.new`: `level`, `progname`, `formatter` (one that can be
    #   shared), `datetime_format`
    # @raise [ArgumentError] for any other object
    # @raise [SystemCallError] for a file that can't be written to
    def initialize(target, **options)
      super(nil, **options)
      @logdev = Device.new(name(target))
      @logdev.write("") # whoever makes it hears of a file that can't be opened
    end

    # Nothing waits to be written.
    #
    # @return [RactorLogger] itself
    def flush = self

    private

    # Any IO has a path, by which standard streams can't be opened.
    def name(target)
      stream = STREAMS[target.fileno] if target.is_a?(IO)
      return stream if stream
      return File.expand_path(target).freeze if target.respond_to?(:to_str) || target.is_a?(Pathname)

      raise ArgumentError, "given #{target.inspect}, allowed: a file's path, $stdout or $stderr"
    end
  end
end
