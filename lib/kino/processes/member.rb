# frozen_string_literal: true

require_relative "../rack/failure"
require_relative "../server/leaving"
require_relative "../server/notices"
require_relative "../server/server"
require_relative "../server/signals"
require_relative "../server/teller"
require_relative "boots"
require_relative "tether"
require_relative "wire"

module Kino
  # One of the processes that serve: an engine of its own on the sockets that all share, from its fork to its end. The
  # parent tells it when to end; a signal to it alone does, too, and the parent then has another take its place.
  #
  # ```
  #   hello -> on_process_boot -> workers boot -> serves: "ready" -> "drain" -> on_process_exit -> ends
  #                                                               \-> "mold" -> serves no more, and goes on as a Mold
  # ```
  #
  # @api private
  class Member
    # Seconds between two looks at what the title tells.
    LOOK = 1
    # {Signals#wake} token: the server has come to its end.
    ENDED = 128
    # What there is to be heard after which it is to be no mold.
    LAST_WORDS = %w[drain leave].freeze
    private_constant :LOOK, :ENDED, :LAST_WORDS

    # @param site [Site] what all processes of the server share
    # @param number [Array(Integer, Integer)] which process of those that serve, from 0, and how many there are
    # @param slot [Integer] its place on the scoreboard
    # @param wire [Wire] to the parent
    # @param goes_on [Boolean] see {Server#start_on}
    def initialize(site, number, slot, wire, goes_on: false)
      @site = site
      @configuration = site.configuration
      @index, @size = number
      @slot = slot
      @wire = wire
      @goes_on = goes_on
    end

    # Serves until it is told to end.
    #
    # @param app [#call, nil] a Rack app
    # @yieldreturn [#call] one that is still to be booted
    # @return [Integer, Symbol] the process's exit status; `:mold` where it is to go on as one
    def run(app = nil)
      return 1 unless Tether.tie(@wire) # the parent has ended before

      Process.setproctitle("#{name}, booting")
      @boots_app = app.nil?
      # A terminal's signals reach all processes, and are the parent's to understand.
      @signals = Signals.new(%w[TERM], %w[INT QUIT HUP] + Signals::STRAY + Signals::TERMINAL)
      @signals.trapping { serve(app || yield) }
    rescue Exception => error # whatever it is, the parent has to hear of it
      raise if error.is_a?(SystemExit)

      @wire.tell("failed", Description.brief(error))
      1
    ensure
      # What is done at exit may take for ever, too.
      Tether.tie(@wire)
      Leaving.bound(@configuration.shutdown_timeout)
    end

    # The server has come to its end. Called by it.
    #
    # @return [void]
    def ended = @signals.wake(ENDED)

    # The app has asked for a stop of its server: the parent's to do.
    #
    # @return [void]
    def stop = @wire.tell("stop")

    private

    def serve(app)
      @configuration.on_process_boot.each { |hook| hook.call(@index) }
      @boots = Boots.new(@configuration)
      @server = Server.new(app, configuration: @boots.configuration)
      @server.command = self
      @server.start_on(@site, @slot, @wire.to_io, @index + 1, goes_on: @goes_on)
      Native.die_with("TERM")
      show # before anybody hears of it
      tell_booted(app) if @boots_app && @index.zero?
      tell_ready
      case await
      when "mold" then leave_off
      when "halt" then @server.halt || finish(true)
      when "ended" then @server.join || finish(true)
      when "drain" then finish(drain)
      else finish(drain(is_replaced: true))
      end
    ensure
      @server&.halt
      @boots&.close
    end

    # What a mold tells, where there is none.
    def tell_booted(app)
      notices = Notices.new(app, @configuration, @server.mode)
      @wire.tell("booted", @server.mode, *notices.told(@server.choice))
    end

    # Once, when all workers have booted: only then is it worth another's place.
    def tell_ready
      @is_ready ||= @boots.all?(@server.mode) && @wire.tell("ready")
    end

    # What is to be done: the parent's word, a signal, or the parent's death.
    def await
      loop do
        show
        readable, = IO.select([@wire, @signals, (@boots.to_io unless @is_ready)].compact, nil, nil, LOOK)
        next unless readable

        tell_ready if readable.include?(@boots.to_io)

        if readable.include?(@signals)
          return "ended" if @signals.wait == ENDED

          @wire.tell("leaving")
          return "retire"
        end

        words = orders or return "drain"
        return words.last unless words.empty?
      end
    end

    # What it was told to do since the last time, oldest first; nil when there is no parent any more. How many there are
    # is for its title alone.
    def orders
      messages = @wire.hear or return
      sizes, orders = messages.partition { |word,| word == "size" }
      @size = sizes.last.last.to_i unless sizes.empty?
      orders.map(&:first)
    end

    def show
      title = "#{name}, #{@server.stats[:running]} running"
      Process.setproctitle(@title = title) unless title == @title
    end

    def name = "kino: process #{@index + 1} of #{@size}"

    # Beside it, what is heard may be that there is no time left.
    def drain(**options)
      Leaving.begin(@configuration.shutdown_timeout)
      thread = Thread.new { @server.drain(@configuration.shutdown_timeout, **options) }
      thread.report_on_exception = false
      until thread.join(0.02)
        words = orders || ["drain"]
        @is_over ||= words.intersect?(LAST_WORDS)
        @server.hurry if words.include?("drain")
        return @server.halt || false if words.include?("halt")
      end
      thread.value
    end

    # Only where all was finished, nothing is left that a fork would tear; and the whole server may end meanwhile.
    def leave_off
      is_done = drain(is_replaced: true, hands_on: true)
      return finish(is_done) if @is_over || !is_done

      @server = nil
      :mold
    end

    def failure(io) = Failure.new(io, form: Log.form(@configuration))

    def finish(in_order)
      # The engine is over, and with it who has seen to this: from here on hooks alone keep the process.
      Leaving.hurry(1) unless Tether.tie(@wire)
      @configuration.on_process_exit.each do |hook|
        hook.call(@index)
      rescue Exception => error # the others have their turn
        Teller.new($stderr).tell { |io| failure(io).log(nil, error) }
      end
      aborted = @server ? @server.aborted : []
      @wire.tell("left", *aborted)
      return Leaving.leave(1) unless in_order

      0
    end
  end

  private_constant :Member
end
