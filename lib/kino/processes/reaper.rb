# frozen_string_literal: true

require_relative "staying"

module Kino
  # Which processes are gone, and how they have ended.
  #
  # @api private
  class Reaper
    # How a process has ended, as far as that can be known.
    #
    # @!attribute [r] status
    #   @return [Process::Status, nil] nil where it is nobody's to be waited for
    End = Data.define(:status) do
      # @return [Boolean] whether it has ended as it was to
      def in_order? = status.nil? || status.success?

      # @return [Boolean] whether a signal has ended it
      def killed? = status&.signaled? || false

      # @return [String] for whoever runs the server: `" (SIGKILL)"`
      def to_s
        return "" if status.nil?

        status.signaled? ? " (SIG#{Signal.signame(status.termsig)})" : " (status #{status.exitstatus})"
      end
    end

    # Of all that end, also those that the app has left behind, and that have become this process's: nobody else will.
    #
    # @param children [Array<Child>]
    # @return [Hash{Child => End}] those that are gone
    def self.gone(children)
      statuses = waited_for.to_h { |status| [status.pid, status] }
      children.to_h { |child| [child, ending(child, statuses[child.pid])] }.compact
    end

    def self.waited_for
      statuses = []
      while (status = Process.wait2(-1, Process::WNOHANG)&.last)
        Staying.ended(status)
        statuses << status
      end
      statuses
    rescue Errno::ECHILD
      statuses
    end

    # Where it is nobody's to be waited for, as where the system gives it another parent than this process, or it has
    # died before it could tell its number, the end of its wire tells.
    def self.ending(child, status)
      return End.new(status) if status
      return unless child.wire.closed?
      return End.new(nil) unless child.pid

      status = Process.wait2(child.pid, Process::WNOHANG)&.last
      End.new(status) if status
    rescue Errno::ECHILD
      End.new(nil)
    end
    private_class_method :waited_for, :ending
  end

  private_constant :Reaper
end
