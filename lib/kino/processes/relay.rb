# frozen_string_literal: true

module Kino
  # Stays in a server's place for whoever has started that: hands on what signals it gets, waits for whoever ends, and
  # ends as the server has. Where another server takes its place (a full restart), that is the one from then on.
  #
  # It is process 1 of a container ({CLI::Init}), and what a server becomes that another has taken the place of: then
  # this file is all that its process runs, so it uses nothing of Kino's, and no library.
  #
  # @api private
  class Relay
    # What a server, or an app, may be told by.
    SIGNALS = %w[TERM INT QUIT HUP USR1 USR2 TTIN TTOU WINCH].freeze
    # Those after which nothing is to go on.
    STOP = %w[TERM INT QUIT].freeze
    # Which process has started it to take its own place, in a server's environment.
    HEIR_OF = "KINO_HEIR_OF"
    # By it a server learns that it is the child of one of these now. It does nothing to whoever has no use for it.
    ADOPTED = "URG"
    private_constant :STOP

    class << self
      # @return [Boolean] whether one of these has forked this process
      attr_writer :behind

      # @return [Boolean]
      def behind? = @behind || false
    end

    # All that a process does, from its first moment on.
    #
    # @param server [Integer] the server that it stays for, which is its child
    # @param status [Integer] what that has ended with, if it was waited for already
    # @return [void] never
    def self.run(server, status = 1)
      relay = new
      relay.take_signals
      Process.setproctitle("kino: relay")
      exit!(relay.outlive(server, status))
    end

    def initialize
      @early = []
    end

    # From here on signals are the server's. Until there is one they wait.
    #
    # @return [Hash{String => Object}] who had them before
    def take_signals = SIGNALS.to_h { |name| [name, Signal.trap(name) { hand_on(name) }] }

    # Waits for all that end.
    #
    # @param server [Integer] its process id
    # @param unknown [Integer] its exit status where somebody else has waited for it
    # @return [Integer] the exit status of the last server
    def outlive(server, unknown = 1)
      @server = server
      serve((heir unless child?(server)) || server) # another may have its place already
      loop do
        pid, status = Process.wait2(-1)
        next unless pid == @server

        serve(heir || (return status.exitstatus || (128 + status.termsig)))
      end
    rescue Errno::ECHILD
      unknown
    end

    private

    # What was to stop the one before, which was on its way out, is for the next.
    def serve(server)
      waiting = @serves ? [@asked].compact : @early
      @server = server
      @serves = true
      [ADOPTED, *waiting].each { |name| hand_on(name) }
    end

    def hand_on(name)
      @asked = name if STOP.include?(name)
      @serves ? Process.kill(name, @server) : @early << name
    rescue Errno::ESRCH
      nil # it has ended just now
    end

    # Of those that have lost their parent by then, the server that this one had started to take its place.
    def heir
      named = /(\A|\0)#{HEIR_OF}=#{@server}\0/n
      children = Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select { |pid| child?(pid) }
      children.find { |pid| environment(pid).match?(named) }
    rescue SystemCallError
      nil
    end

    def child?(pid)
      File.read("/proc/#{pid}/stat")[/.*\) (\S) (\d+)/] && $2 == Process.pid.to_s && $1 != "Z"
    rescue SystemCallError
      false
    end

    def environment(pid)
      File.binread("/proc/#{pid}/environ")
    rescue SystemCallError
      ""
    end
  end

  private_constant :Relay
end
