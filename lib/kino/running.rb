# frozen_string_literal: true

require "forwardable"

module Kino
  # What `Rackup::Handler::Kino.run` yields: a running server, for frameworks that stop it themselves, from the handler
  # of a signal, too. Sinatra calls `stop!` where there is one, which would cut off what runs, so here there is none.
  class Running
    extend Forwardable

    # @!method port
    #   @return (see Server#port)
    # @!method url
    #   @return (see Server#url)
    # @!method urls
    #   @return (see Server#urls)
    # @!method stats
    #   @return (see Server#stats)
    # @!method mode
    #   @return (see Server#mode)
    # @!method running?
    #   @return (see Server#running?)
    def_delegators :@server, :port, :url, :urls, :stats, :mode, :running?

    # @api private
    # @param server [Server]
    # @param signals [Signals] what its launcher waits for
    def initialize(server, signals)
      @server = server
      @signals = signals
    end

    # Asks the server to stop, as `TERM` does: it lets the requests that run finish. Doesn't wait for that.
    #
    # @return [nil]
    def stop
      @signals.wake(Launcher::ASKED)
      nil
    end
  end
end
