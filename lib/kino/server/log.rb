# frozen_string_literal: true

require_relative "../rack/failure"

module Kino
  # Has what Kino says go through the setting `logger`: what its Ruby has to say directly, and what its native code does
  # by a pipe, which a thread reads. Nobody who says something waits for the logger but those who may.
  #
  # @api private
  class Log
    # Severities by the names that native code has, as numbers of Ruby's Logger.
    SEVERITIES = { "ERROR" => 3, "WARN" => 2, "INFO" => 1, "DEBUG" => 0, "TRACE" => 0 }.freeze
    # A line of native code's own: the time, which a logger has itself, the severity, and the rest.
    EVENT = /\A\S+Z +(#{SEVERITIES.keys.join("|")}) (.*)\z/
    # Seconds that a stop waits for what has been said to reach the logger.
    PATIENCE = 1
    private_constant :SEVERITIES, :EVENT, :PATIENCE

    # What is written to a stream, said to a logger.
    class Stream
      # @param logger [#add]
      # @param severity [String] how severe it is, as {SEVERITIES} name it
      def initialize(logger, severity)
        @logger = logger
        @severity = severity
      end

      # @param texts [Array<String>] a line, or several
      # @return [nil]
      def puts(*texts)
        texts.flatten.each { |text| Log.say(@logger, @severity, text.to_s) }
        nil
      end
      alias write puts

      # @return [Stream] itself: nothing is kept here
      def flush
        @logger.flush if @logger.is_a?(Lines)
        self
      end
    end

    # What takes the place of a logger where none is given: text or JSON, of some severity and above.
    class Lines
      # Severities by the names that the setting has, as {SEVERITIES}.
      LEVELS = { debug: 0, info: 1, warn: 2, error: 3 }.freeze
      private_constant :LEVELS

      # @param io [IO] where they go
      # @param format [Symbol] `:text` or `:json`
      # @param level [Symbol] the least severity
      def initialize(io, format, level)
        @io = io
        @format = format
        @least = LEVELS.fetch(level)
      end

      # @param severity [Integer]
      # @param text [String]
      # @return [void]
      def add(severity, text)
        return if severity < @least
        return @io.write(Description.line(LEVELS.key(severity), text)) if @format == :json

        @io.write("#{"kino: " if severity > LEVELS[:info]}#{text}\n")
      end

      # @return [void]
      def flush = @io.flush
    end
    private_constant :Lines

    class << self
      # Where what Kino says goes, of what it does and of what goes wrong.
      #
      # @param configuration [Configuration]
      # @param out [IO]
      # @param err [IO]
      # @return [Array(#puts, #puts)]
      def outlets(configuration, out, err)
        format, level = configuration.log_format, configuration.log_level
        return streams(configuration.logger) if configuration.logger
        return [out, err] if format == :text && %i[debug info].include?(level)

        { "INFO" => out, "ERROR" => err }.map { |severity, io| Stream.new(Lines.new(io, format, level), severity) }
      end

      # How errors of the app are written to standard error, see {Failure}.
      #
      # @param configuration [Configuration]
      # @return [Symbol]
      def form(configuration) = configuration.logger ? :logger : configuration.log_format

      # @param logger [#add]
      # @return [Array(Stream, Stream)] for what Kino does, and for what goes wrong
      def streams(logger) = [Stream.new(logger, "INFO"), Stream.new(logger, "ERROR")]

      # Says it. A logger that fails costs what it was to say.
      #
      # @param logger [#add]
      # @param severity [String]
      # @param text [String] lines; a warning of Kino's says so itself
      # @return [void]
      def say(logger, severity, text)
        text = text.scrub.chomp
        severity = "WARN" if text.start_with?("kino: warning: ")
        logger.add(SEVERITIES.fetch(severity), text.delete_prefix("kino: "))
      rescue StandardError
        nil
      end
    end

    # @param logger [#add]
    def initialize(logger)
      @logger = logger
    end

    # Takes over what native code says in this process.
    #
    # @return [Log] itself
    # @raise [ConfigurationError] where the system has no names for open files
    def start
      reader, writer = IO.pipe
      Native.log_to("/dev/fd/#{writer.fileno}")
      @thread = Thread.new { read(reader) }
      self
    rescue IOError => error
      raise ConfigurationError, "logger: needs /dev/fd, which can't be used here (#{error.message}); mount it, or " \
                                "leave logger out"
    ensure
      writer&.close
    end

    # Gives it back to standard error, once what was said has been passed on.
    #
    # @return [void]
    def stop
      Native.flush_log
      Native.log_to(nil)
      @thread.join(PATIENCE)
    end

    private

    def read(pipe)
      pipe.each_line { |line| tell(line.scrub.chomp) }
    ensure
      pipe.close
    end

    # Anything else is an error of the app's, whose lines come as one.
    def tell(line)
      severity, text = EVENT.match(line)&.captures
      Log.say(@logger, severity || "ERROR", text || line.tr(Failure::LINE_END, "\n"))
    end
  end

  private_constant :Log
end
