# frozen_string_literal: true

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

      # @return [String] for whoever runs the server: `" (SIGKILL)"`
      def to_s
        return "" if status.nil?

        status.signaled? ? " (SIG#{Signal.signame(status.termsig)})" : " (status #{status.exitstatus})"
      end
    end

    # @param children [Array<Child>]
    # @return [Hash{Child => End}] those that are gone
    def self.gone(children) = children.to_h { |child| [child, ending(child)] }.compact

    # Where it can't be waited for, as where the system gives it another parent than this process, the end of its wire
    # tells.
    def self.ending(child)
      return (End.new(nil) if child.wire.closed?) unless child.pid

      status = Process.wait2(child.pid, Process::WNOHANG)&.last
      End.new(status) if status
    rescue Errno::ECHILD
      End.new(nil) if child.wire.closed?
    end
    private_class_method :ending
  end

  private_constant :Reaper
end
