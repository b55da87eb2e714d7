# frozen_string_literal: true

module RactorProbe
  # What a step finds, as a Hash: `what` was tried, and `status`, how that went; or the `error` that came instead and
  # `where` it is from.
  module Finding
    # A FILE:LINE starts in one of these.
    FOLDERS = Ractor.make_shareable([*Gem.path.map { |path| "#{path}/gems/" }, "#{File.dirname(__dir__)}/"])
    # Files of the probe itself.
    OWN = __dir__.freeze

    class << self
      # What the block finds, or the error that it raises.
      def guard(what)
        yield
      rescue Exception => error # whatever keeps a step from its end is what the probe is about
        [tell(what, error)]
      end

      # An error as it is told.
      def tell(what, error)
        error = first(error)
        { what: what, error: "#{error.class}: #{words(error.message)}", where: where(error) }
      end

      # Where a class or module is.
      def place_of(name)
        place(Object.const_source_location(name))
      rescue NameError
        nil # the name isn't a constant's
      end

      private

      # What ractors may not do is what blocks; errors after it come of dealing with that.
      def first(error)
        chain = [error]
        chain << chain.last.cause while chain.last.cause
        chain.reverse.find { |one| one.is_a?(Ractor::Error) && !one.is_a?(Ractor::RemoteError) } || chain.last
      end

      # A block that can't be shared is named in the message. Else it is the first line that isn't the probe's.
      def where(error)
        block = error.message.match(/#<Proc:\h+x\h+ (.+?):(\d+)/)&.captures
        frames = error.backtrace_locations.to_a.map { |frame| [frame.absolute_path || frame.path, frame.lineno] }
        place(block || frames.find { |path, _| !path.start_with?(OWN, "<internal:") } || frames.first)
      end

      def place(location)
        path, line = location
        return unless path && line

        folder = FOLDERS.find { |one| path.start_with?(one) }
        "#{path.delete_prefix(folder.to_s)}:#{line}"
      end

      def words(message)
        line = message.lines.first.to_s.chomp.gsub(/:?0x\h+/, "")
        FOLDERS.reduce(line) { |text, folder| text.gsub(folder, "") }[0, 300]
      end
    end
  end
end
