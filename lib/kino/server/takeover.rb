# frozen_string_literal: true

require_relative "../processes/overlap"
require_relative "stopping"
require_relative "signals"

module Kino
  # How a {Launcher} is followed by another server, which is started beside it, and takes its place once it serves.
  #
  # @api private
  module Takeover
    # What a touched file asks for.
    RESTART = Signal.list.fetch("USR2")
    private_constant :RESTART

    private

    # To a service manager HUP is what reloads (`Type=notify-reload`); the others are what restarts other servers.
    def restarts?(token)
      name = Signal.signame(token)
      Signals::STRAY.include?(name) || (name == "HUP" && @manager.there?)
    end

    # What was asked for at the control socket, as signals ask for it.
    def heed(server)
      actions = @server.control&.hear(@voice) || []
      return Stopping::ASKED if actions.include?("stop")

      actions.each { server ? begin_overlap(server) : say("Nothing else is done any more: the server stops") }
      nil
    end

    def begin_overlap(server)
      @manager.reloading(@configuration.restart_timeout)
      return say("A restart is under way") if @overlap

      say "Restarting: another server is started beside this one"
      @overlap = Overlap.new(server.listeners, @configuration.restart_timeout)
    rescue SystemCallError => error
      tell_failure(error.message)
    end

    def tell_failure(fault)
      @overlap = nil
      @manager.settled
      @voice.complain("the restart is given up, and all goes on as before: #{fault}")
    end

    def look_at_overlap
      outcome = @overlap.look
      tell_failure(@overlap.give_up) if outcome == :failed
      Stopping::REPLACED if outcome == :ready
    end
  end

  private_constant :Takeover
end
