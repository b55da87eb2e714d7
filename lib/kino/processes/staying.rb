# frozen_string_literal: true

require_relative "relaunch"
require_relative "relay"

module Kino
  # Has the process stay that was started, where another server takes its place: foreman, `bin/dev`, a shell and others
  # wait for that one, and take its end for the server's. When it has come to its end it goes on as a {Relay}, a small
  # program in the same process. Servers that it has started are its children, or become such, so there is one of these
  # however many restarts follow.
  #
  # It ends where nobody waits for it (`rails server -d`), where a service manager is told whom to look after instead,
  # and where a relay stays already.
  #
  # @api private
  module Staying
    # The program, which may have left the disk by the time that it is to run.
    PROGRAM = File.read("#{__dir__}/relay.rb", encoding: Encoding::UTF_8)
    private_constant :PROGRAM

    class << self
      # @return [Boolean] whether this process is to stay
      attr_writer :wanted

      # @return [Boolean]
      def wanted? = @wanted || false

      # Another server has this one's place. From now on signals are that one's.
      #
      # @param overlap [Overlap]
      # @return [void]
      def begin(overlap)
        return unless @wanted

        @overlap = overlap # with its wire, which ends with this process, and not before
        @begun = relay_to(overlap.pid)
      end

      # @return [Boolean] whether it has begun
      def begun? = @begun || false

      # A signal that came before {begin}, and was read after it.
      #
      # @param token [Integer] see {Signals#wait}
      # @return [Boolean] whether it has been handed on
      def hand_on?(token)
        return false unless begun? && Signals.signal?(token)

        Process.kill(token, @overlap.pid)
        true
      rescue Errno::ESRCH
        true
      end

      # A child of this process has been waited for.
      #
      # @param status [Process::Status]
      # @return [void]
      def ended(status)
        return unless begun? && status.pid == @overlap.pid

        relay_to(status.pid, status.exitstatus || (128 + status.termsig))
      end

      # Ends the process at once, as `Process.exit!` does, unless it is to stay.
      #
      # @param status [Integer]
      # @return [void] never
      def leave(status) = begun? ? Native.leave(status) : Process.exit!(status)

      # To be called by a server that another has started to take its place: once a relay has it as a child, it ends
      # when that one does.
      #
      # @return [void]
      def follow = Signal.trap(Relay::ADOPTED) { Native.die_with("TERM") }

      private

      def relay_to(*numbers)
        start = "Kino.const_get(:Relay).run(#{numbers.join(", ")})"
        words = [Relaunch.ruby, "--disable=all", "-W0", "-e", PROGRAM, "-e", start]
        Native.relay_to(numbers.first, Relay::SIGNALS.map { |name| Signal.list.fetch(name) }, words)
      end
    end
  end

  private_constant :Staying
end
