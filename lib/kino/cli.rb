# frozen_string_literal: true

require_relative "version"
require_relative "errors"
require_relative "colours"
require_relative "processes/given_wire"
require_relative "configuration"
require_relative "cli/init"
require_relative "cli/options"
require_relative "cli/remote"

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
    # @return [Integer] the exit status: 0 when all went well, and 1 when it didn't, or when `--check` found that the
    #   app can't run in ractors; 128 and a signal's number when that ended the command before it served
    def run
      options = Options.new(@argv)
      case options.task
      when :serve then serve(options)
      when *Remote::COMMANDS.keys then remote(options)
      when :check then check(options)
      when :init then init(options.init_path)
      when :from_puma then from_puma(options.puma_path)
      when :completions then say(Completions.for(options.shell, options.flags))
      when :version then say("Kino #{VERSION}")
      when :help then say(options.help)
      end
    rescue Error, LoadError => error
      @err.puts "#{Colours.for(@err).paint("kino:", :bold, :red)} #{error.message}"
      1
    rescue SignalException => error
      128 + error.signo
    end

    private

    def serve(options)
      Init.stay_behind
      read = lambda do |env = ENV|
        configuration = Configuration.load(options.settings, env: env, path: options.config_path)
        options.dev_tls ? with_dev_tls(configuration) : configuration
      end
      configuration = read.call
      load_server
      warn_of_dev_tls(configuration) if options.dev_tls
      boot = -> { AppLoader.load(configuration.rackup, configuration.environment) }
      command(options, configuration, read: read, out: @out, err: @err, &boot)
    end

    def command(options, configuration, **rest, &)
      return Command.new(configuration, whole: true, **rest, &).serve unless options.reload

      require_relative "reload/parent"
      Reload::Parent.new(configuration, **rest, &).serve
    end

    # Other certificates of the file's are for other names.
    def with_dev_tls(configuration)
      require_relative "server/dev_certificate"
      certificate = DevCertificate.files
      configuration.with(bind: DevCertificate.secured(configuration.bind), tls: [certificate, *configuration.tls])
    end

    def warn_of_dev_tls(configuration)
      return if configuration.environment != "production"

      Voice.new(configuration, @out, @err).complain("warning: --dev-tls serves a certificate that nobody but this " \
                                                    "machine believes, in production; write tls with one of your own")
    end

    # About a server that runs.
    def remote(options)
      Remote.new(options, Configuration.load(options.settings, path: options.config_path), @out).run
    end

    # Only when it is needed, so that the other tasks answer at once, even where the extension isn't compiled.
    def load_server
      require "kino"
      require_relative "server/app_loader"
      require_relative "processes/command"
    end

    # Needs no extension: an app can be checked where Kino isn't compiled.
    def check(options)
      require_relative "check"
      configuration = Configuration.load(options.settings, path: options.config_path)
      Check::Command.new(configuration, request: options.request, format: options.format, out: @out, err: @err).run
    end

    def init(path)
      require_relative "configuration/template"
      return say(Configuration::Template.text) if path == "-"

      Configuration::Template.write(path)
      say("Wrote #{path}: every setting, explained and commented out")
    end

    def from_puma(path)
      require_relative "configuration/from_puma"
      say(Configuration::FromPuma.read(path))
    end

    def say(text)
      @out.puts text
      0
    end
  end
end
