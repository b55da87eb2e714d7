# frozen_string_literal: true

require_relative "../description"

module Kino
  class ErrorPage
    # What is known of an error and its request, as text in UTF-8, for every form of the page. Nothing here raises for
    # an error that resists being told.
    #
    # @api private
    class Facts
      # Causes of causes that are told.
      MOST_CAUSES = 10
      # Lines of source that are shown on each side of the one.
      AROUND = 5
      # Bytes of a file past which it is none that somebody has written.
      LARGEST = 1_048_576
      # A line of a backtrace: its file, line, and what was called there.
      PLACE = /\A(.+?):(\d+)(?::in (.+))?\z/m
      private_constant :MOST_CAUSES, :AROUND, :LARGEST, :PLACE

      # A place in a backtrace.
      #
      # @!attribute [r] text
      #   @return [String] the backtrace's line, with the file as it is seen from the app's folder
      # @!attribute [r] file
      #   @return [String, nil] the whole path
      # @!attribute [r] line
      #   @return [Integer, nil]
      # @!attribute [r] own
      #   @return [Boolean] whether it is the app's, and no gem's or Ruby's
      Frame = Data.define(:text, :file, :line, :own)

      # Lines of a file.
      #
      # @!attribute [r] place
      #   @return [String] the file as it is seen from the app's folder, and the line
      # @!attribute [r] line
      #   @return [Integer] the one that it is about
      # @!attribute [r] lines
      #   @return [Hash{Integer => String}] that one, and those around it
      Excerpt = Data.define(:place, :line, :lines)

      # An error, or the cause of one.
      #
      # @!attribute [r] name
      #   @return [String] its class
      # @!attribute [r] message
      #   @return [String]
      # @!attribute [r] frames
      #   @return [Array<Frame>]
      # @!attribute [r] excerpt
      #   @return [Excerpt, nil] of the first place that is the app's own, or of the first that can be read
      Raised = Data.define(:name, :message, :frames, :excerpt)

      # @return [Array<Raised>] the error, its cause, that one's cause, and so on
      attr_reader :errors
      # @return [String] such as `GET /path?page=2`
      attr_reader :request
      # @return [Hash{String => String}] what is shown of the env
      attr_reader :env

      # @param error [Exception]
      # @param env [Hash]
      # @param secrets [Secrets]
      # @param root [String] the app's folder
      # @param gems [Array<String>] folders of what isn't the app's own
      def initialize(error, env, secrets, root, gems)
        @root, @gems = "#{root}/", gems
        @errors = chain(error).map { |one| raised(one) }
        target = Description.text { env["REQUEST_URI"] || env["PATH_INFO"] }
        @request = "#{Description.text { env["REQUEST_METHOD"] }} #{secrets.without(target)}"
        @env = secrets.shown(env)
      end

      private

      # An error may be its own cause, or its cause's.
      def chain(error)
        all = []
        while error && all.size < MOST_CAUSES && all.none? { |one| one.equal?(error) }
          all << error
          error = attempt { error.cause }
        end
        all
      end

      def raised(error)
        frames = attempt { error.backtrace }.to_a.map { |line| frame(Description.text { line }) }
        name = Description.text { error.class }
        # Where Kino's own errors are raised says nothing; their messages do.
        first = frames.first unless error.is_a?(Error)
        places = [written_at(error), *frames.select(&:own), first].compact
        Raised.new(name, message(error, name), frames, excerpt(places))
      end

      # With what Ruby has to add: what may have been meant, and where exactly.
      def message(error, name)
        text = Description.text { error.detailed_message(highlight: false) }
        text == Description::UNTOLD ? Description.text { error.message } : text.sub(/ \(#{Regexp.escape(name)}\)$/, "")
      end

      # The file that couldn't be read as Ruby is in no backtrace.
      def written_at(error)
        return unless error.is_a?(SyntaxError)

        path = attempt { error.path } || return
        line = attempt { error.message[/^#{Regexp.escape(path)}:(\d+)/, 1] }
        frame("#{path}:#{line}") if line
      end

      def frame(text)
        file, line = PLACE.match(text)&.captures
        return Frame.new(text, nil, nil, false) unless file

        full = File.expand_path(file, @root)
        own = full.start_with?(@root) && @gems.none? { |folder| full.start_with?("#{folder}/") }
        Frame.new(text.delete_prefix(@root), full, line.to_i, own)
      end

      def excerpt(places)
        places.each do |frame|
          lines = lines_of(frame) or next
          return Excerpt.new("#{frame.file.delete_prefix(@root)}:#{frame.line}", frame.line, lines)
        end
        nil
      end

      def lines_of(frame)
        return unless frame.file && File.file?(frame.file) && File.size(frame.file) <= LARGEST

        numbers = [frame.line - AROUND, 1].max..(frame.line + AROUND)
        lines = File.readlines(frame.file, chomp: true).each.with_index(1).select { |_, number| numbers.cover?(number) }
        found = lines.to_h { |text, number| [number, Description.text { text }] }
        found if found.key?(frame.line)
      rescue SystemCallError
        nil
      end

      def attempt
        yield
      rescue Exception
        nil
      end
    end
  end
end
