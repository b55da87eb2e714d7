# frozen_string_literal: true

require "io/console"
require "json"
require_relative "../colours"
require_relative "control_client"
require_relative "order"
require_relative "report"

module Kino
  class CLI
    # The commands that are about a server which runs.
    #
    # @api private
    class Remote
      # How each is written, and what it does.
      COMMANDS = {
        status: ["kino status [--format json]",
                 "Says how the server is, and each of its processes. Ends with 0 when it is ready, with 1 otherwise."],
        requests: ["kino requests [--backtrace] [--format json]",
                   "Lists the requests in flight; with --backtrace, also where each thread of Ruby's is."],
        metrics: ["kino metrics", "Prints what Prometheus would read."],
        top: ["kino top",
              "Shows status and requests, once a second, until Ctrl-C; once where its output is no terminal."],
        restart: ["kino restart [--full] [PID]",
                  "Boots the app anew, and replaces process by process; with --full, and with one process, another " \
                  "server takes this one's place. Without a PID: what control, or else pidfile, says in kino.rb."],
        reload: ["kino reload [PID]", "Has the settings read again, and processes replaced (with several processes)."],
        stop: ["kino stop [PID]", "Has the server finish the requests that run, and end."]
      }.freeze
      # What is POSTed.
      PATHS = { restart: "/restart", reload: "/reload", stop: "/stop" }.freeze
      # What is told by a signal where there is no control socket.
      ORDERS = PATHS.keys.freeze
      # Seconds between two looks of `top`.
      PAUSE = 1
      # To the first place of a terminal, away with what stands from there on, and no line becomes two: some characters
      # are wider than others.
      HOME = "\e[H\e[J\e[?7l"
      # Lines that are too long are broken again.
      WRAP = "\e[?7h"
      # Rows and columns of a terminal that doesn't tell, such as a serial line.
      USUAL = [24, 80].freeze
      private_constant :PATHS, :ORDERS, :PAUSE, :HOME, :WRAP, :USUAL

      # @param options [Options]
      # @param configuration [Configuration]
      # @param out [IO]
      def initialize(options, configuration, out)
        @options = options
        @configuration = configuration
        @out = out
        @what = options.task
      end

      # Does it.
      #
      # @return [Integer] the exit status
      # @raise [ConfigurationError] when there is no such server
      def run
        case @what
        when *ORDERS then order
        when :status then status
        when :metrics then print_page("/metrics")
        when :requests then print_page("/requests?format=#{@options.format}#{"&backtrace=1" if @options.backtrace}")
        when :top then top
        end
      end

      private

      def client = @client ||= ControlClient.new(@what, @configuration)

      def order
        return say(Order.new(@what, @options.pid, @configuration.pidfile).give(full: @options.full)) if signal?

        status, body = client.post("#{PATHS.fetch(@what)}#{"/full" if @options.full}")
        raise ConfigurationError, "#{@what}: #{body.strip}" unless status == 202

        say(body)
      end

      # What runs may be from before kino.rb named a control socket. But an address that is given by hand may be
      # another server's than the one of kino.rb.
      def signal?
        return true if @options.pid || @configuration.control.nil?

        @configuration.pidfile && @options.settings[:control].nil? && !client.there?
      end

      def status
        text = page("/stats")
        stats = JSON.parse(text)
        say(@options.format == "json" ? text : Report.new(stats, colours: colours).to_s)
        stats["server"]["ready"] ? 0 : 1
      end

      def print_page(path) = say(page(path))

      def page(path)
        status, body = client.get(path)
        status == 200 ? body : raise(ConfigurationError, "#{@what}: #{body.strip}")
      end

      def top
        return say(screen) unless @out.tty?

        text = screen # where there is no server at all, that is an error
        loop do
          draw(text)
          sleep PAUSE
          text = look
        end
      rescue Interrupt
        say ""
      rescue SystemCallError
        0 # the terminal is gone
      end

      # Another server may be about to take this one's place.
      def look
        screen
      rescue ConfigurationError => error
        @stats = nil
        colours.paint(error.message, :bold, :red)
      end

      def draw(text)
        rows, columns = @out.winsize.zip(USUAL).map { |told, usual| told.positive? ? told : usual }
        lines = text.lines(chomp: true).first([rows - 1, 1].max)
        @out.print(HOME, lines.map { |line| "#{Colours.cut(line, columns)}\n" }.join, WRAP)
        @out.flush
      end

      def screen
        before, @stats = @stats, JSON.parse(page("/stats"))
        "#{Report.new(@stats, before, colours: colours)}\n\n#{page("/requests?format=text")}"
      end

      def colours = Colours.for(@out)

      def say(text)
        @out.puts text
        0
      rescue Errno::EPIPE
        0 # whoever reads has read enough
      end
    end
  end
end
