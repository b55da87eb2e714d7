# frozen_string_literal: true

module Kino
  # An error as text, whatever it is: in UTF-8 that is valid, and never raising for an error that resists being told.
  #
  # @api private
  module Description
    class << self
      # @param env [Hash, nil] the request's
      # @param error [Exception]
      # @return [String] lines for the log
      def report(env, error)
        request = " (#{utf8(env["REQUEST_METHOD"])} #{utf8(env["PATH_INFO"])})" if env
        "kino: #{kind(env, error)}#{request}: #{of(error)}"
      end

      # @param error [Exception]
      # @return [String] its message, class, causes and backtrace
      def of(error)
        # Without a backtrace, Ruby would tell of this place here.
        return piecemeal(error) if error.backtrace.to_a.empty? || !error.message.encoding.ascii_compatible?

        utf8(error.full_message(highlight: false, order: :top)).chomp << "\n"
      rescue Exception # its message, or what it is made of, does not go together
        piecemeal(error)
      end

      private

      def piecemeal(error)
        lines = error.backtrace.to_a.map { |line| "\tfrom #{utf8(line)}\n" }
        [piece { error.message }, " (#{error.class})\n", *lines, *(of(error.cause) if error.cause)].join
      end

      def kind(env, error)
        place = Native.panic_place if error.class.name == "fatal"
        return "a fault of Kino's own, at #{utf8(place)}; please report it" if place

        env ? "an error in the app" : "an error outside of any request"
      end

      def piece
        utf8(yield)
      rescue Exception
        "an error that could not be described"
      end

      # Bytes of no encoding are most often UTF-8.
      def utf8(object)
        text = object.to_s
        return text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace) unless
          [Encoding::UTF_8, Encoding::BINARY, Encoding::US_ASCII].include?(text.encoding)

        text.dup.force_encoding(Encoding::UTF_8).scrub
      end
    end
  end
end
