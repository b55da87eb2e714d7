# frozen_string_literal: true

require_relative "../processes/staying"
require_relative "leaving"
require_relative "signals"

module Kino
  # How a {Launcher} ends: what runs is finished, in the time that there is, and a second signal ends that.
  #
  # @api private
  module Stopping
    # {Signals#wake} token: the server has come to its end.
    ENDED = 128
    # The drain is over.
    DRAINED = 129
    # Somebody asks for a stop, as a signal does.
    ASKED = 130
    # Another server serves in its place.
    REPLACED = 131
    # Seconds after which a signal was heard of late.
    LATE = 0.5
    private_constant :DRAINED, :LATE

    private

    # The main thread waits for signals all along, so the drain runs beside it.
    def drain(server, asked)
      @begin = nil
      timeout = time_left(server)
      say "Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)"
      asked == REPLACED ? hand_over(server) : give_none_over(timeout)
      Leaving.begin(timeout)
      @overlap = nil
      drained = begin_drain(server, timeout, is_replaced: asked == REPLACED)
      @signals.heard(asked)
      await_drain(server)
      @manager.exiting(timeout)
      return overdue(server) unless drained.value

      say "Stopped"
      0
    end

    # It counts from the signal on, which Ruby may hear of late. By tenths of a second, where that is worth a word.
    def time_left(server)
      timeout, ago = @configuration.shutdown_timeout, server.summoned
      ago < LATE ? timeout : [timeout - ago, 0].max.round(1)
    end

    def hand_over(server)
      Staying.begin(@overlap)
      @manager.hand_over(@overlap.pid)
      server.listeners.own_files(false)
    end

    def give_none_over(timeout)
      @manager.stopping(timeout)
      @server.control&.stopping
      @overlap&.give_up
    end

    def begin_drain(server, timeout, **options)
      Thread.new do
        Thread.current.report_on_exception = false
        server.drain(timeout, **options)
      ensure
        @signals.wake(DRAINED)
      end
    end

    def await_drain(server)
      loop do
        token = await_stop(nil)
        return if token == DRAINED
        next if token == ENDED || token == ASKED || Staying.hand_on?(token)
        next if @signals.same_wish?(token) || hurry(server, token)

        leave(server, 128 + token)
      end
    end

    # While it goes on for drain_delay, a second signal ends that, and nothing else.
    def hurry(server, token)
      return false unless server.hurry

      say "Draining at once"
      @signals.heard(token)
      true
    end

    # A thread that is stuck would make an ordinary exit wait for it, for ever.
    def overdue(server)
      timeout = @configuration.shutdown_timeout
      lines = server.aborted.map { |request| "gave up #{request}" }
      @voice.complain("requests still ran #{timeout} s after the signal (shutdown_timeout); ending without them",
                      *lines)
    ensure
      leave(server, 1)
    end

    def leave(server, status)
      server.halt if server.running?
      @voice.flush
    ensure
      @leave.call(status)
    end
  end

  private_constant :Stopping
end
