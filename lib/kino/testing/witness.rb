# frozen_string_literal: true

require "socket"

module Kino
  # What stands here is for tests of apps.
  #
  # @api private
  module Testing
    # Sees what an app raises, in whichever ractor that is, and keeps it for the test, which is in the main one.
    #
    # Errors of the main ractor are kept as they are. From others they come by a socket, as Marshal writes them: one is
    # a packet, so that however many write, each is read as a whole.
    #
    # @api private
    class Witness
      # The witnesses of this process, by their numbers; only the main ractor can look there.
      ALL = {} # rubocop:disable Style/MutableConstant
      # Bytes of an error that is sent as it is; of a longer one its class and the beginning of its message are.
      LIMIT = 65_536
      # Seconds that it waits at most to have read all.
      PATIENCE = 10
      # Where a thread has what it has told last.
      TOLD = :kino_told_of
      # What is sent when nobody will send anything any more, and to know that all has been read which was sent before.
      OVER = Marshal.dump(nil).freeze
      MARK = Marshal.dump(true).freeze
      # What is no fault of an app's.
      NONE = [ClientDisconnected, ClientError].freeze
      private_constant :ALL, :LIMIT, :PATIENCE, :TOLD, :OVER, :MARK, :NONE

      # The way to a witness from any ractor. A child that the app has forked has none.
      Way = Data.define(:number, :socket, :pid) do
        # @param error [Exception]
        # @return [void]
        def tell(error)
          return if pid != Process.pid || NONE.any? { |kind| error.is_a?(kind) }

          Thread.current[TOLD] = error
          return ALL[number]&.keep(error) if Ractor.current == Ractor.main

          IO.for_fd(socket, "wb", autoclose: false).syswrite(packet(error))
        end

        # What `on_error` is called with: an error of the app's call has been told already.
        #
        # @param error [Exception]
        # @param _env [Hash, nil]
        # @return [void]
        def call(error, _env) = (tell(error) unless Thread.current[TOLD].equal?(error))

        private

        def packet(error)
          bytes = Marshal.dump(error)
          bytes.bytesize <= LIMIT ? bytes : brief(error)
        rescue TypeError # it has something with it that can't leave its ractor
          brief(error)
        end

        def brief(error)
          copy = Error.new("#{error.message} (#{error.class})".byteslice(0, LIMIT / 4).scrub)
          copy.set_backtrace(error.backtrace.to_a.first(100))
          Marshal.dump(copy)
        end
      end
      private_constant :Way

      # An app that is called as ever, but for what it raises.
      Watched = Data.define(:app, :way) do
        # @param env [Hash] the request's
        # @return [Array] the app's answer
        def call(env)
          app.call(env)
        rescue Exception => error
          way.tell(error)
          raise
        end
      end
      private_constant :Watched

      def initialize
        @errors = Thread::Queue.new
        @marks = Thread::Queue.new
        @reader, @writer = UNIXSocket.pair(:DGRAM)
        @number = object_id
        @way = Way.new(@number, @writer.fileno, Process.pid)
      end

      # @return [#call] for `on_error`; shareable
      def hook = @way

      # @param app [#call] a Rack app
      # @return [#call] the same app; shareable, where that is
      def watch(app)
        watched = Watched.new(app, @way)
        Ractor.shareable?(app) ? Ractor.make_shareable(watched) : watched
      end

      # Begins to keep what it sees.
      #
      # @return [void]
      def open
        ALL[@number] = self
        @thread = Thread.new { read }
      end

      # @param error [Exception]
      # @return [void]
      def keep(error) = @errors << error

      # @return [Array<Exception>] what it has kept, oldest first; each is told once
      def take
        if @thread&.alive?
          @writer.write(MARK)
          @marks.pop(timeout: PATIENCE)
        end
        Array.new(@errors.size) { @errors.pop }
      end

      # Nobody is to tell anything any more: what has been sent is there now.
      #
      # @param is_over [Boolean] whether nobody can; else the socket stays open, since its number is still known
      # @return [void]
      def close(is_over: true)
        return unless @thread&.alive?

        ALL.delete(@number) if is_over
        @writer.write(OVER)
        @thread.join
      end

      private

      def read
        while (error = Marshal.load(@reader.recv(LIMIT))) # rubocop:disable Security/MarshalLoad -- this process's own
          error == true ? @marks << true : keep(error)
        end
      end
    end
  end

  private_constant :Testing
end
