# frozen_string_literal: true

require_relative "../server/announcement"
require_relative "../server/leaving"
require_relative "../server/pid_file"
require_relative "../server/signals"
require_relative "../server/voice"
require_relative "files"
require_relative "generation"
require_relative "settings"

module Kino
  module Reload
    # The process that listens, starts those that serve, and runs nothing of the app.
    #
    # @api private
    class Parent
      # What it listens to, besides what stops a server: USR1 and USR2 ask for new code, changed or not.
      WORDS = %w[USR1 USR2 CHLD].freeze
      # {Signals#wake} token: the app asks for a stop.
      ASKED = 128
      # Seconds until another process takes the place of one that has died, doubled each time, and the most.
      DELAY = 0.5
      MOST_DELAY = 8
      # Seconds between two looks at the files while nobody serves them, and those that a boot of old code has to end.
      LOOK = 1
      OLD_BOOT = 10
      # Seconds that a process has past its requests' time, for what is to be done at exit.
      GRACE = 5
      private_constant :WORDS, :ASKED, :DELAY, :MOST_DELAY, :LOOK, :OLD_BOOT, :GRACE

      # A process that was started.
      Child = Struct.new(:number, :pid, :wire, :served)
      private_constant :Child

      # @param configuration [Configuration]
      # @param read [#call] reads it again
      # @param out [IO] for what Kino does
      # @param err [IO] for what goes wrong
      # @param signals [Signals]
      # @yieldreturn [#call] the booted Rack app; called in another process
      # @raise [ConfigurationError] in production
      def initialize(configuration, read: -> { configuration }, out: $stdout, err: $stderr,
                     signals: Signals.new(Signals::STOP + WORDS), &boot)
        @given = configuration
        @configuration = Reload.settings(configuration)
        @read = read
        @voice = Voice.new(@configuration, out, err)
        @signals = signals
        @boot = boot
        @children = []
        @number = @deaths = @status = 0
      end

      # Serves until a signal, or the app, stops it.
      #
      # @return [Integer] the exit status: 0 when everything that ran was finished, 1 when it wasn't in time
      # @raise [BindError] when an address can't be listened on; nothing runs then
      def serve
        $stdout.sync = true
        PidFile.check(@configuration.pidfile)
        @listeners = Native::Listeners.bind(@configuration.bind)
        @listeners.check(@configuration.to_h)
        @handover = Handover.new
        PidFile.keep(@configuration.pidfile)
        @signals.trapping { attend }
      ensure
        @children.each { |child| kill(child) }
        @handover&.close
        @listeners&.close
        @signals.close
        @voice.finish
        Leaving.bound(@configuration.shutdown_timeout)
      end

      private

      def attend
        start
        until @until && @children.empty?
          hear
          reap
          start if @due && now >= @due && !@until
          look unless @until
          @children.each { |child| kill(child) } if @until && now >= @until
        end
        @voice.say("Stopped") if @status.zero?
        @status
      end

      # Another process, with the code as it is now. The one before serves none from here on.
      def start
        @due = @current = @changed = nil
        @files = Files.new(File.dirname(File.expand_path(@configuration.rackup)))
        @look = now + LOOK
        ours, theirs = Wire.pair
        number = @number += 1
        pid = fork { exit(become(number, ours, theirs)) }
        theirs.close
        @children << (@current = Child.new(number, pid, ours, false))
      end

      def become(number, ours, theirs)
        @signals.disown
        [ours, *@children.map(&:wire)].each(&:close)
        children, @children = @children, []
        handover, @handover = @handover, nil
        children.clear
        Generation.new(@configuration, number, @listeners, handover, theirs, @voice).run(@read, &@boot)
      end

      # A process that serves looks for itself. Where none does, since the app ends what boots it, or its boot takes for
      # ever, whoever mends that is not to wait: for one that boots only as long as the app may be writing files of its
      # own.
      def look
        return if @current&.served || now < @look

        @look = now + LOOK
        what = @files.changed or return
        @changed ||= now
        return if @current && now < @changed + OLD_BOOT

        @voice.say("Reloading: #{what}")
        kill(@current) if @current
        start
      end

      def hear
        times = [@due, @until, (@look unless @current&.served)].compact.map { |time| [time - now, 0].max }
        wires = @children.map(&:wire).reject(&:closed?)
        readable, = IO.select([@signals, *wires], nil, nil, times.min)
        return unless readable

        obey(@signals.wait) if readable.include?(@signals)
        @children.each { |child| listen(child) if readable.include?(child.wire) }
      end

      def obey(token)
        case token == ASKED ? "TERM" : Signal.signame(token)
        when "CHLD" then nil
        when "USR1", "USR2" then @current&.wire&.tell("reload")
        else stop(token)
        end
      end

      def listen(child)
        messages = child.wire.hear or return child.wire.close
        messages.each do |word, what|
          case word
          when "serving" then serving(child)
          when "stale" then follow(child, what)
          when "stop" then stop(ASKED)
          end
        end
      end

      def serving(child)
        child.served = true
        @deaths = 0
        announce unless @is_announced
      end

      def announce
        @is_announced = true
        urls = @listeners.uris.map { |uri| Configuration::Address.url(uri) }
        Announcement.new(@configuration, @voice).make(mode: :threaded, urls: urls, lines: Reload.lines(@given))
      end

      def follow(child, what)
        return if child != @current || @until

        @voice.say("Reloading: #{what}")
        start
      end

      def reap
        @children.reject! do |child|
          _, status = Process.wait2(child.pid, Process::WNOHANG)
          next unless status

          listen(child) unless child.wire.closed? # what it has told last
          bury(child, status)
          true
        rescue Errno::ECHILD
          true
        end
      end

      def bury(child, status)
        child.wire.close
        @handover.forget(child.number)
        # What the signal itself has ended did not listen for it yet, or no more: it had nothing to finish.
        @status = 1 if @until && !status.success? && status.termsig != Signal.list["TERM"]
        return if child != @current || @until

        @current = nil
        delay = [DELAY * (2**@deaths), MOST_DELAY].min
        @deaths += 1
        @due = now + delay
        @voice.complain("the app's process died (#{status.to_s[/pid \d+ .*/]}); another takes its place in #{delay} s")
      end

      # The first wish lets requests finish, in the time that they have; the next one doesn't.
      def stop(token)
        return insist(token) if @until

        timeout = @configuration.shutdown_timeout
        @voice.say("Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)")
        @signals.heard(token)
        Leaving.begin(timeout)
        @until = now + timeout + GRACE
        @children.each { |child| signal(:TERM, child) }
      end

      def insist(token)
        return if token == ASKED || @signals.same_wish?(token)

        @children.each { |child| kill(child) }
        Leaving.leave(128 + token)
      end

      def kill(child) = signal(:KILL, child)

      def signal(name, child)
        Process.kill(name, child.pid)
      rescue Errno::ESRCH
        nil # it was quicker
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  private_constant :Reload
end
