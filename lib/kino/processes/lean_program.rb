# frozen_string_literal: true

# The parent of several processes, as it goes on, see {Kino::Lean}: `ruby --disable=all lean_program.rb DESCRIPTOR`.

if $PROGRAM_NAME == __FILE__
  # Signals wait until there is somebody who hears them. (Those of Parent::HEARD, which is yet to be loaded.)
  came = []
  former = %w[INT TERM QUIT HUP USR1 USR2 TTIN TTOU].to_h { |name| [name, trap(name) { came << name }] }

  require_relative "../errors"
  state = IO.open(Integer(ARGV.first), "rb") { |pipe| Marshal.load(pipe) } # rubocop:disable Security/MarshalLoad -- own
  state.fetch(:descriptors).each { |number| IO.for_fd(number, autoclose: false).close_on_exec = true }
  require state.fetch(:extension)
end
require_relative "../colours"
require_relative "../server/pid_file"
require_relative "parent"
require_relative "rackup_process"

module Kino
  # What that program does.
  #
  # @api private
  class LeanProgram
    # @param state [Hash{Symbol => Object}] what the process was before, as {Lean} has it
    # @param early [Signals::Early] who has had its signals so far
    def initialize(state, early)
      @state = state
      @early = early
      @terms = Terms.load(state.fetch(:terms))
    end

    # @return [Integer] the exit status
    def run
      Native.trim_stack
      Native.bound_arenas(true)
      Relaunch.resume(@state.fetch(:relaunch))
      Staying.wanted = @state.fetch(:stays)
      Staying.follow if given
      rackup = RackupProcess.new([], *@state.fetch(:relaunch).values_at(:named, :kept)).replace_rackup
      parent.serve do
        PidFile.keep(@terms.pidfile)
        rackup.serves
      end
    rescue Error => error
      warn "#{Colours.for($stderr).paint("kino:", :bold, :red)} #{error.message}"
      1
    ensure
      Leaving.bound(@terms.shutdown_timeout)
    end

    private

    def parent
      mold, pid = @state.fetch(:mold)
      Parent.new(@terms, site: site, mold: [wire(mold, waits: false), pid], given: given,
                         notices: @state.fetch(:notices), manager: manager,
                         signals: Signals.new(Parent::HEARD, [], early: @early))
    end

    def site = Site.new(@terms, listeners, Native::Scoreboard.open(@state.fetch(:scoreboard)), nil)

    def first? = @state.fetch(:given).nil?

    # Their files are the server's before, until this one takes its place.
    def listeners = @listeners ||= Native::Listeners.inherit(@state.fetch(:listeners), first?)

    def given
      return if first?

      @given ||= Relaunch::Given.new(:server, wire(@state.fetch(:given)), @state.dig(:relaunch, :addresses), listeners,
                                     nil)
    end

    def manager = ServiceManager.take(@state.fetch(:manager), waits: !first?)

    def wire(number, **) = Wire.new(UNIXSocket.for_fd(number), **)
  end

  private_constant :LeanProgram
end

if $PROGRAM_NAME == __FILE__
  early = Kino.const_get(:Signals)::Early.new(former, came)
  exit Kino.const_get(:LeanProgram).new(state, early).run
end
