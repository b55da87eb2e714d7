# frozen_string_literal: true

require_relative "../control/control"
require_relative "../server/signals"
require_relative "reading"

module Kino
  # What a parent is told to do while it serves: by signals, at the control socket, by a file that is touched, and by
  # settings that are read again.
  #
  # @api private
  module Orders
    # {Signals#wake} token: somebody asks for a stop, as a signal does.
    ASKED = 128
    # Signals after which the service manager waits until all is as asked.
    RELOADS = %w[USR1 USR2 HUP].freeze
    # What a touched file asks for.
    RESTART = Signal.list.fetch("USR1")
    # Settings that are what the sockets, the app and this process are made by.
    FIXED = %i[bind control control_token environment rackup preload logger pidfile quiet].freeze
    # Those of them that an app has which is booted anew.
    OF_APP = %i[environment rackup].freeze
    # Signals that ask for what may be asked for at the control socket.
    WISHES = { "restart" => "USR1", "restart_full" => "USR2", "processes_more" => "TTIN",
               "processes_fewer" => "TTOU" }.freeze
    # As many as `processes` may say.
    MOST = 256
    private_constant :RESTART, :RELOADS, :FIXED, :OF_APP, :WISHES, :MOST

    private

    def obey(token)
      return begin_stop(token) if token == ASKED
      return heed if token == Control::ASKED

      name = Signal.signame(token)
      @manager.reloading(@configuration.restart_timeout) if reloads?(name)
      case name
      when "CHLD" then nil
      when "HUP" then @has_terminal ? begin_stop(token) : reload
      when *Signals::STOP then begin_stop(token)
      else change(name) unless stopping?
      end
    end

    # What was asked for at the control socket, as signals ask for it.
    def heed
      @control.hear(@voice).each do |action|
        if action == "stop" then begin_stop(ASKED)
        elsif stopping? then @voice.say("Nothing else is done any more: the server stops")
        elsif action == "reload" then reload
        else change(WISHES.fetch(action))
        end
      end
    end

    def reloads?(name) = RELOADS.include?(name) && !stopping? && !@has_terminal

    def change(name)
      return @voice.say("SIG#{name} does nothing before all processes serve") unless @announced

      case name
      when "USR1" then restart
      when "USR2" then @renewal.replace_server
      when "TTIN" then resize(@fleet.size + 1)
      when "TTOU" then resize(@fleet.size - 1)
      end
    end

    def resize(size)
      return @voice.say("One process is the least") if size < 1
      return @voice.say("#{MOST} processes are the most") if size > MOST

      have(size)
      @voice.say "Processes: #{size}"
    end

    # So many processes there are to be. Each is told, since its title says that.
    def have(size)
      return if size == @fleet.size

      @fleet.resize(size)
      children.each { |child| child.wire.tell("size", size) if child.index }
    end

    # Whoever boots the app reads the settings, and tells this process what it is to go by.
    def reload
      return @voice.say("SIGHUP does nothing before all processes serve") unless @announced

      change_by(:reload) unless stopping?
    end

    def restart = change_by(:restart)

    # Settings that were read while something else is being replaced would be this process's alone.
    def change_by(order)
      return read_for(order) unless @configuration.preload || @renewal.under_way?

      @former = nil unless @renewal.under_way?
      @renewal.public_send(order)
    end

    # Where each process boots an app of its own, they are read here, since what they hold can't be handed on. What is
    # asked for meanwhile is what counts.
    def read_for(order)
      read_no_more
      @former = nil
      @order = order
      @spawner.reading = @reading = Reading.new(@configuration.restart_timeout) { @read.call }
    end

    def read_no_more
      return unless @reading

      @reading.cancel
      @spawner.reading = @reading = nil
    end

    # What has come of that.
    def look_at_reading
      outcome = @reading&.look or return
      @spawner.reading = @reading = nil
      return unreadable(outcome.fault) if outcome.fault

      @renewal.public_send(@order) if @renewal.under_way? || go_by(outcome.settings)
    end

    # What can't change while the sockets and the app stay is named, and stays.
    #
    # @param booted [Boolean] whether what the app is made by has changed already, with an app that was booted anew
    # @return [Boolean] whether it goes by them
    def go_by(settings, booted: false)
      number = @configuration.processes
      former = FIXED.to_h { |name| [name, @configuration.public_send(name)] }
      changed = former.reject { |name, value| settings.public_send(name) == value }
      name_fixed(changed.keys & (booted ? FIXED - OF_APP : FIXED))
      @former = @configuration
      follow(settings.with(**changed))
      # What TTIN and TTOU have made of the number stays, as long as nobody writes another.
      have(settings.processes) unless settings.processes == number
      true
    rescue Error => error
      unreadable(error.message)
    end

    def unreadable(fault)
      @voice.complain("the settings can't be read again, and all goes on as before: #{fault}")
      false
    end

    # Nobody goes by what was read last: what held before that holds again.
    def unread
      read_no_more
      former = @former or return
      number = @configuration.processes
      follow(former)
      have(former.processes) unless former.processes == number
    end

    # Another server goes on with the sockets of this one, whatever is written by then.
    def name_fixed(names)
      @voice.complain("bind changed, which takes a stop and another start") if names.delete(:bind)
      @voice.complain("#{names.join(", ")} changed, which takes a restart (USR2)") unless names.empty?
    end
  end

  private_constant :Orders
end
