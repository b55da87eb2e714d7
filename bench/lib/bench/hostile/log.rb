# frozen_string_literal: true

module Bench
  module Hostile
    # What a server writes its log to.
    module Log
      # fcntl(2); a pipe holds a page at least.
      F_SETPIPE_SZ = 1031
      PAGE = 4096

      module_function

      # @param kind [Symbol] :kept, in the server's file; :closed, a pipe whose reader has gone; :full, one nobody reads
      # @yieldparam streams [Hash{Symbol => IO}] for {Server.start}, as long as the block runs
      def open(kind)
        return yield({}) if kind == :kept

        reader, writer = IO.pipe
        writer.fcntl(F_SETPIPE_SZ, PAGE)
        reader.close if kind == :closed
        yield({ err: writer })
      ensure
        [reader, writer].compact.each(&:close)
      end
    end
  end
end
