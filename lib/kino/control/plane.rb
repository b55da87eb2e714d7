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
    def initialize(configuration, place, number)
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

      @place ||= { scoreboard: Native::Scoreboard.create(1), place: 0 }
      board.take(0)
    end

    # Serves the socket.
    #
    # @param signals [Signals, nil] of who does what is asked for there
    # @param waits [Boolean] whether another server, whose place this one takes, still listens there
    # @return [void]
    # @raise [BindError, ConfigurationError]
    def open(signals, waits:)
      @socket = Control.of(@configuration, board, signals: signals)&.start(waits: waits) unless @is_parents
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

    def board = @place && @place[:scoreboard]
  end

  private_constant :ControlPlane
end
