# frozen_string_literal: true

require_relative "../errors"
require_relative "token"

module Kino
  # A server's control socket, which native threads serve from what stands on the scoreboard; and what Ruby has to do
  # with it: it reads the token, and does what was asked for.
  #
  # @api private
  class Control
    # {Signals#wake} token: something was asked for.
    ASKED = 140

    # @param configuration [Configuration]
    # @param scoreboard [Native::Scoreboard]
    # @param signals [Signals, nil] of who does what is asked for; nil where nobody would
    # @param has_processes [Boolean] whether several serve
    # @return [Control, nil] nil where none is asked for
    # @raise [ConfigurationError] when it needs a token that isn't there
    def self.of(configuration, scoreboard, signals: nil, has_processes: false)
      new(configuration, scoreboard, signals, has_processes) if configuration.control
    end

    # @param configuration [Configuration]
    # @param scoreboard [Native::Scoreboard]
    # @param signals [Signals, nil]
    # @param has_processes [Boolean]
    # @raise (see .of)
    def initialize(configuration, scoreboard, signals, has_processes)
      token = configuration.control_token && Token.read(configuration.control_token)
      refuse_to_all(configuration.control) unless token
      @native = Native::Control.of(configuration.control, token, scoreboard, signals&.descriptor, has_processes)
    end

    # Listens and serves.
    #
    # @param waits [Boolean] whether another server still listens there, whose place this one is about to take
    # @return [Control] itself
    # @raise [BindError]
    def start(waits: false)
      @native.start(waits)
      self
    end

    # @return [Array<String>] where it listens
    def uris = @native.uris

    # Says what was asked for since the last time, and by whom.
    #
    # @param voice [Voice]
    # @return [Array<String>] what there is to be done of it: `"restart"`, `"restart_full"`, `"stop"`, `"reload"`,
    #   `"processes_more"`, `"processes_fewer"`
    def hear(voice)
      before, @put_off = @put_off, nil
      asked = Array.new(MOST) { @native.asked }.compact
      asked.each { |what, _, who| voice.note("Control: #{what} was asked for by #{who}") }
      [*before, *asked.filter_map { |_, action, _| action }]
    end

    # They are given out again by the next {#hear}.
    #
    # @param actions [Array<String>] what {#hear} has given
    # @return [void]
    def put_off(actions) = @put_off = actions

    # The server has begun to stop, and does nothing else that is asked for: whoever asks is told so.
    #
    # @return [void]
    def stopping = @native.stopping

    # Serves no more.
    #
    # @return [void]
    def close = @native.close
    alias stop close

    # In a child of fork: lets go of what it has of it.
    #
    # @return [void]
    def abandon = @native.abandon

    # So much is heard at once.
    MOST = 16
    # Addresses that only this machine has.
    LOCAL = %r{\A(?:unix:|tcp://(?:127\.[\d.]+|localhost|\[::1\]):)}
    private_constant :MOST, :LOCAL

    private

    def refuse_to_all(uri)
      return if LOCAL.match?(uri)

      raise ConfigurationError, "control: given #{uri.inspect}, which other machines can reach; that needs a token: " \
                                "write control_token \"/etc/kino.token\" (a file), or control \"tcp://127.0.0.1:9293\""
    end
  end

  private_constant :Control
end
