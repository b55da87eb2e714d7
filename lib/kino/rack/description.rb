# frozen_string_literal: true

module Kino
  # An error as text, whatever it is: in UTF-8 that is valid, and never raising for an error that resists being told.
  #
  # @api private
  module Description
    # What stands for what raises when it is asked.
    UNTOLD = "an error that could not be described"

    class << self
      # @yieldreturn [#to_s] what may raise when it is asked
      # @return [String] as text
      def text
        utf8(yield)
      rescue Exception
        UNTOLD
      end

      # @param env [Hash, nil] the request's
      # @param error [Exception]
      # @return [String] lines for the log
      def report(env, error)
        id = ", request #{utf8(env["kino.request_id"])}" if env&.key?("kino.request_id")
        request = " (#{word(env["REQUEST_METHOD"])} #{word(env["PATH_INFO"])}#{id})" if env
        "kino: #{kind(env, error)}#{request}: #{of(error)}"
      end

      # @param env [Hash, nil] the request's
      # @param error [Exception]
      # @return [String] the same as a line of JSON
      def json(env, error)
        cause = try { error.cause }
        what = { error: text { error.class }, error_message: text { error.message },
                 backtrace: try { error.backtrace.to_a } || [], cause: cause && of(cause, [error]) }
        line(:error, kind(env, error), **request(env), **what)
      end

      # @param level [Symbol]
      # @param message [String]
      # @param fields [String, Array<String>, nil] what else there is to say
      # @return [String] a line of JSON
      def line(level, message, **fields)
        time = Time.now.utc.strftime("%Y-%m-%dT%H:%M:%S.%LZ")
        all = { time: time, level: level, message: message, **fields.compact }
        pairs = all.map do |name, value|
          "#{Native.json(name.to_s)}:#{value.is_a?(Array) ? list(value) : quoted(value)}"
        end
        "{#{pairs.join(",")},\"process\":#{Process.pid}}\n"
      end

      # @param error [Exception]
      # @param told [Array<Exception>] those whose cause it is
      # @return [String] its message, class, causes and backtrace
      def of(error, told = [])
        # Without a backtrace, Ruby would tell of this place here.
        return piecemeal(error, told) if error.backtrace.to_a.empty? || !error.message.encoding.ascii_compatible?

        lines(utf8(error.full_message(highlight: false, order: :top)).chomp << "\n")
      rescue Exception # its message, or what it is made of, does not go together
        piecemeal(error, told)
      end

      # @param error [Exception]
      # @return [String] its message and class, and where it comes from, as far as Kino's own methods: Kino's own errors
      #   say all there is to say
      def brief(error)
        return utf8(error.message) if error.is_a?(Error)

        own = File.expand_path("..", __dir__)
        places = try { error.backtrace.to_a.take_while { |line| !line.start_with?(own) } }
        lines = places.to_a.map { |line| "  #{utf8(line)}" }
        ["#{text { error.message }} (#{text { error.class }})", *lines].join("\n")
      end

      private

      def quoted(value) = Native.json(utf8(value))

      def list(values) = "[#{values.map { |value| quoted(value) }.join(",")}]"

      def request(env)
        return {} unless env

        { method: env["REQUEST_METHOD"], path: env["PATH_INFO"], request_id: env["kino.request_id"] }
      end

      # An error may be its own cause, or its cause's.
      def piecemeal(error, told)
        told = [*told, error]
        cause = try { error.cause }
        cause = nil if told.any? { |other| other.equal?(cause) }
        places = try { error.backtrace.to_a.map { |line| "\tfrom #{utf8(line)}\n" } }
        [lines("#{text { error.message }} (#{text { error.class }})\n"), *places, *(of(cause, told) if cause)].join
      end

      # None but the first is at the left, where it could be taken for another of the log's; none speaks to a terminal.
      def lines(text)
        text.gsub(/[[:cntrl:]&&[^\t\n]]/) { |control| control.dump[1..-2] }.gsub(/\n(?=[^\t\n])/, "\n\t")
      end

      def try
        yield
      rescue Exception
        nil
      end

      def kind(env, error)
        place = Native.panic_place if error.class.name == "fatal"
        return "a fault of Kino's own, at #{utf8(place)}; please report it" if place

        env ? "an error in the app" : "an error outside of any request"
      end

      # Bytes of no encoding are most often UTF-8.
      # Of a client's, which is neither to end a line nor to speak to a terminal.
      def word(object) = utf8(object).gsub(/[[:cntrl:]]/, "?")

      def utf8(object)
        text = object.to_s
        return text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace) unless
          [Encoding::UTF_8, Encoding::BINARY, Encoding::US_ASCII].include?(text.encoding)

        text.dup.force_encoding(Encoding::UTF_8).scrub
      end
    end
  end

  private_constant :Description
end
