# frozen_string_literal: true

module Kino
  module Reload
    # What stands before an app: as long as nothing of it has changed, requests go to it; from then on to the process
    # that has booted it anew.
    #
    # @api private
    class Gate
      # @param app [#call] a Rack app
      # @param files [Files] what it is made of
      # @param number [Integer] of the process that it is in
      # @param handover [Handover] the way to younger ones
      # @param patience [Numeric] seconds that a request waits for one at most
      # @yieldparam path [String] what has changed; called once
      def initialize(app, files, number, handover, patience, &on_change)
        @app = app
        @files = files
        @number = number
        @handover = handover
        @patience = patience
        @on_change = on_change
        @lock = Mutex.new
      end

      # @param env [Hash]
      # @return [Array] the app's answer, of this process or of another
      def call(env)
        @handover.restore(env)
        return @app.call(env) unless stale?
        return upgrade_later if env["HTTP_UPGRADE"] && env["HTTP_CONNECTION"].to_s.match?(/upgrade/i)

        @handover.call(env, @number, @patience)
      rescue Handover::Vain => error
        [503, { "content-type" => "text/plain", "retry-after" => "1" }, ["#{error.message}\n"]]
      end

      # Looks whether anything of the app has changed, which is then so for good.
      #
      # @param what [String, nil] where that is known without a look
      # @return [Boolean]
      def stale?(what = nil)
        return true if @is_stale

        what ||= @files.changed or return false
        is_news = @lock.synchronize { !@is_stale && (@is_stale = true) }
        @on_change.call(what) if is_news
        true
      end

      private

      # A connection that lasts can't be handed over; whoever wants one tries again.
      def upgrade_later
        [503, { "content-type" => "text/plain", "retry-after" => "0", "connection" => "close" }, ["Reloading\n"]]
      end
    end
  end

  private_constant :Reload
end
