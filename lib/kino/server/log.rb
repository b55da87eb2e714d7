# frozen_string_literal: true

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
      def flush = self
    end

    class << self
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

    # Anything else is an error of the app's, which comes in many lines.
    def tell(line)
      severity, text = EVENT.match(line)&.captures
      Log.say(@logger, severity || "ERROR", text || line)
    end
  end

  private_constant :Log
end
