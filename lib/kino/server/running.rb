# frozen_string_literal: true

module Kino
  # What `Rackup::Handler::Kino.run` yields: a running server, for frameworks that stop it themselves, from the handler
  # of a signal, too. Sinatra calls `stop!` where there is one, which would cut off what runs, so here there is none.
  class Running
    # @return (see Server#port)
    def port = @server.port

    # @return (see Server#url)
    def url = @server.url

    # @return (see Server#urls)
    def urls = @server.urls

    # @return (see Server#stats)
    def stats = @server.stats

    # @return (see Server#mode)
    def mode = @server.mode

    # @return (see Server#running?)
    def running? = @server.running?

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
