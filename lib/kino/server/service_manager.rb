# frozen_string_literal: true

module Kino
  # What has started this process and looks after it, systemd for one, where it wants to be told how things are: when
  # the server serves, reloads and stops (sd_notify(3), `Type=notify` and `notify-reload`). Telling never waits and
  # never fails, and only the process that was started tells: the manager hears no other (`NotifyAccess=main`).
  #
  # That it lives, and what it is at, one process has the engine say ({#reporting}), which needs no Ruby for it; the
  # parent of several says it in its loop ({#look}).
  #
  # @api private
  class ServiceManager
    # Who was started so finds it here. Nobody that is started by this process is to.
    VARIABLES = %w[NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID].freeze
    # Seconds between two looks at what there is to tell, and after how many of them it is told again.
    LOOK = 1
    AGAIN = 10
    # Seconds beside those that requests have to end in.
    GRACE = 10
    private_constant :LOOK, :AGAIN, :GRACE

    # What the environment says of it, which is taken out of there.
    #
    # @param env [Hash{String => String}, ENV]
    # @param waits [Boolean] whether another process is the server until {#take_over}
    # @return [ServiceManager]
    def self.take(env = ENV, waits: false)
      environment = VARIABLES.to_h { |name| [name, env.delete(name)] }
      address, interval, pid = environment.values
      socket = Native::NotifySocket.open(address) if address
      socket&.quiet = waits
      watched = interval.to_i.positive? && (pid.nil? || pid.to_i == Process.pid)
      new(socket, watched ? interval.to_i / 1_000_000.0 : nil, environment)
    end

    # @return [Hash{String => String, nil}] what the environment said of it, for {.take} in another program
    attr_reader :environment

    # @param socket [Native::NotifySocket, nil] nil where nobody wants to be told
    # @param watchdog [Float, nil] seconds without a sign of life after which the process is ended
    # @param environment [Hash{String => String, nil}]
    def initialize(socket = nil, watchdog = nil, environment = {})
      @environment = environment
      @socket = socket
      @watchdog = watchdog
      @last = @beat = -Float::INFINITY
    end

    # @return [Boolean] whether there is one that listens
    def there? = !@socket.nil?

    # @param serving [String] what serves, for people
    # @return [Hash{Symbol => Object}] what an engine has to know to tell by itself how it is
    def reporting(serving)
      @socket ? { notify_socket: @socket, watchdog: @watchdog, serving: -serving } : {}
    end

    # The server serves.
    #
    # @return [void]
    def ready = tell("READY=1")

    # It has taken the place of another, which has told so.
    #
    # @return [void]
    def take_over = @socket&.quiet = false

    # Something is read or booted anew, as a signal has asked.
    #
    # @param patience [Numeric] seconds that it may take
    # @return [void]
    def reloading(patience)
      @is_reloading = true
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
      tell("RELOADING=1", "MONOTONIC_USEC=#{now}", extension(patience))
    end

    # Whatever was asked for is done, or given up.
    #
    # @return [void]
    def settled
      tell("READY=1") if @is_reloading
      @is_reloading = false
    end

    # Another process is the server from now on, and has this one's place with the manager, too.
    #
    # @param pid [Integer]
    # @return [void]
    def hand_over(pid)
      tell("MAINPID=#{pid}", "READY=1")
      @socket&.quiet = true
    end

    # The server ends.
    #
    # @param patience [Numeric] seconds that it may take
    # @return [void]
    def stopping(patience) = tell("STOPPING=1", "STATUS=Stopping", extension(patience))

    # What there is to do at exit begins.
    #
    # @param patience [Numeric] seconds that it may take
    # @return [void]
    def exiting(patience) = tell(extension(patience))

    # Tells that the caller lives, and what is served, as often as it is needed.
    #
    # @yieldreturn [String] what is served, for people
    # @return [void]
    def look
      return unless @socket

      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      return if now < @beat + pause

      @beat = now
      tell("WATCHDOG=1") if @watchdog
      status = yield
      return if status == @status && now < @last + (AGAIN * LOOK)

      @status = status
      @last = now
      tell("STATUS=#{status}")
    end

    # @return [Float, Integer] seconds in which to {#look} again at the latest
    def pause = @watchdog ? [LOOK, @watchdog / 4].min : LOOK

    private

    def tell(*lines) = (@socket.tell(lines.join("\n")) if @socket)

    def extension(seconds) = "EXTEND_TIMEOUT_USEC=#{((seconds + GRACE) * 1_000_000).round}"
  end

  private_constant :ServiceManager
end
