# frozen_string_literal: true

require_relative "version"
require_relative "errors"
require_relative "configuration"
require_relative "cli/options"

module Kino
  # The command `kino`.
  #
  # @example
  #   exit Kino::CLI.new(ARGV).run
  class CLI
    # @param argv [Array<String>] the command's arguments; left as they are
    # @param out [IO] for what was asked for
    # @param err [IO] for what went wrong
    def initialize(argv, out: $stdout, err: $stderr)
      @argv = argv
      @out = out
      @err = err
    end

    # Does what the arguments ask for. What a user can mend is one message on `err`, never a backtrace.
    #
    # @return [Integer] the exit status: 0 when all went well; 1 when it didn't; 128 and the signal's number when a
    #   signal came before the app was loaded
    def run
      options = Options.new(@argv)
      public_send(options.task, options)
    rescue Error, LoadError => error
      @err.puts "kino: #{error.message}"
      1
    rescue SignalException => error
      128 + error.signo
    end

    # @api private
    # @param options [Options]
    # @return [Integer] the exit status, once the server has stopped
    def serve(options)
      configuration = Configuration.load(options.settings, path: options.config_path)
      # Only here, so that the other tasks answer at once, even where the extension isn't compiled.
      require "kino"
      require_relative "app_loader"
      require_relative "launcher"
      app = AppLoader.load(configuration.rackup, configuration.environment)
      Launcher.new(configuration, out: @out, err: @err).run(app)
    end

    # @api private
    # @param options [Options]
    # @return [Integer] the exit status
    def init(options)
      require_relative "configuration/template"
      Configuration::Template.write(options.init_path)
      @out.puts "Wrote #{options.init_path}: every setting, explained and commented out"
      0
    end

    # @api private
    # @return [Integer] the exit status
    def version(_options)
      @out.puts "Kino #{VERSION}"
      0
    end

    # @api private
    # @param options [Options]
    # @return [Integer] the exit status
    def help(options)
      @out.puts options.help
      0
    end
  end
end
