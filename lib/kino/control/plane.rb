# frozen_string_literal: true

require_relative "control"
require_relative "questions"

module Kino
  # What a server has of the control plane: its place on a scoreboard, what answers for its Ruby, and, where no parent
  # serves that, the socket.
  #
  # @api private
  class ControlPlane
    # @return [Control, nil] the socket, while this server serves it
    attr_reader :socket
    # @return [Hash{Symbol => Object}, nil] its place, as {Native::Engine} takes it; nil for none
    attr_reader :place

    # @param configuration [Configuration]
    # @param place [Hash{Symbol => Object}, nil] the one that a process among several has
    # @param number [Integer] which process that is, from 1
    def initialize(configuration, place = nil, number = 1)
      @configuration = configuration
      @place = place
      @number = number
      @is_parents = !place.nil?
    end

    # The server is about to start: what one process alone tells stands on a scoreboard, too.
    #
    # @return [void]
    def prepare
      return if @is_parents || @configuration.control.nil?

      make_board
      board.take(0)
    end

    # Serves the socket while the app boots. What is asked for there waits until somebody does it, but for a stop, which
    # ends the boot where `TERM` would, with the status of an end that was wished.
    #
    # @param signals [Signals] (see #serve)
    # @param voice [Voice]
    # @param waits [Boolean] (see #serve)
    # @yieldreturn [#call] the booted app
    # @return [#call]
    # @raise (see #serve)
    # @raise [SystemExit] when it is told to stop
    def while_booting(signals, voice, waits:)
      serve(signals, waits: waits)
      ear = listen(signals, voice) if @socket
      begin
        yield
      ensure
        ear&.kill&.join
        signals.wake(Control::ASKED) if ear # it may have read that, and have been ended before it heard what
      end
    end

    # Serves the socket, unless it does already.
    #
    # @param signals [Signals, nil] of who does what is asked for there
    # @param waits [Boolean] whether another server, whose place this one takes, still listens there
    # @return [void]
    # @raise [BindError, ConfigurationError]
    def serve(signals, waits:)
      return if @is_parents || @configuration.control.nil? || (@socket && @opener == Process.pid)

      @socket&.abandon # an app that becomes a daemon while it boots is another process than before
      @opener = Process.pid
      make_board
      @socket = Control.of(@configuration, board, signals: signals).start(waits: waits)
    end

    # The engine runs.
    #
    # @param native [Native::Engine]
    # @param mode [Symbol] what workers are
    # @return [void]
    def answer(native, mode)
      return unless @place && @configuration.control

      board.introduce(@place[:place], @number, mode.to_s, "#{RUBY_ENGINE} #{RUBY_VERSION}")
      @questions = Questions.new(native, board, @place[:place]).start
    end

    # Another server serves the socket from now on.
    #
    # @return [void]
    def close
      @socket&.close
      @socket = nil
    end

    # The server has come to its end.
    #
    # @return [void]
    def stop
      @questions&.stop
      @questions = nil
      close
    end

    private

    def make_board = @place ||= { scoreboard: Native::Scoreboard.create(1), place: 0 }

    def listen(signals, voice)
      booting = Thread.current
      Thread.handle_interrupt(Object => :never) do
        Thread.new do
          loop do
            Thread.handle_interrupt(Object => :immediate) { signals.wait }
            actions = @socket.hear(voice)
            actions.include?("stop") ? booting.raise(SystemExit) : @socket.put_off(actions)
          end
        end
      end
    end

    def board = @place && @place[:scoreboard]
  end

  private_constant :ControlPlane
end
