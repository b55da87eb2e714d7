# frozen_string_literal: true

require "optparse"
require_relative "completions"
require_relative "flag"
require_relative "remote"
require_relative "values"

module Kino
  class CLI
    # What the command line asks for.
    #
    # @api private
    class Options
      # Commands that write a report, and those that a process may be named for.
      REPORTS = %i[status requests].freeze
      OF_PROCESS = %i[restart reload stop].freeze
      private_constant :REPORTS, :OF_PROCESS

      # @return [Symbol] `:serve`, `:check`, `:init`, `:from_puma`, `:completions`, `:version`, `:help`, or one of
      #   {Remote::COMMANDS}
      attr_reader :task
      # @return [Boolean] whether `restart` is to start another server, and not only to boot the app anew
      attr_reader :full
      # @return [Integer, nil] the process that `restart`, `reload` or `stop` is for, where it is named
      attr_reader :pid
      # @return [Configuration::Layer] the settings given by flags
      attr_reader :settings
      # @return [String, nil] the configuration file that is named
      attr_reader :config_path
      # @return [String] where `--init` writes; `-` for standard output
      attr_reader :init_path
      # @return [String] the file that `--from-puma` reads
      attr_reader :puma_path
      # @return [String] the shell that `--completions` is about
      attr_reader :shell
      # @return [Boolean] whether TLS is to be spoken with a certificate of this machine's own
      attr_reader :dev_tls
      # @return [Boolean] whether the app is to be booted anew when its code has changed
      attr_reader :reload
      # @return [Boolean] whether `requests` is to tell where threads are
      attr_reader :backtrace
      # @return [String] what a report is written as: `"text"` or `"json"`
      attr_reader :format
      # @return [String] what `--check` asks of the app
      attr_reader :request

      # @param argv [Array<String>]
      # @raise [ConfigurationError] on an unknown flag, a flag without its value, and a value that isn't allowed
      def initialize(argv)
        @task = :serve
        @settings = Configuration::Layer.new
        @format = "text"
        @request = "GET /"
        @checks = []
        @full = @backtrace = @dev_tls = @reload = false
        @parser = build_parser
        take_arguments(parse(argv))
        refuse_needless
      end

      # @return [String] what `--help` prints
      def help
        return @parser.help unless @command

        usage, about = Remote::COMMANDS.fetch(@command)
        "Usage: #{usage}\n\n#{about}\n\nThe server is found by kino.rb (-C FILE for another), or by --control URI.\n"
      end

      # @return [Array<Flag>] all there are, in the order of `--help`
      def flags
        @parser.top.list.grep(OptionParser::Switch).map { |switch| Flag.of(switch, values_of(switch.long.first)) }
      end

      private

      # Those that are few.
      def values_of(flag)
        setting = Configuration::Settings::TABLE.values.find { |one| one.flags.include?(flag) }
        return setting.kind.names if setting&.kind.respond_to?(:names)

        { "--environment" => %w[development test production], "--format" => Values::FORMATS,
          "--completions" => Completions::SHELLS }.fetch(flag, [])
      end

      def build_parser
        OptionParser.new(nil, 26) do |parser|
          parser.banner = "Usage: kino [options] [config.ru]\n" \
                          "       kino status|requests|metrics|top|restart|reload|stop [--help]"
          parser.separator "\nServes the Rack app in config.ru on http://127.0.0.1:9292.\n\n"
          Configuration::Settings::TABLE.each_value { |setting| add_setting(parser, setting) }
          parser.separator ""
          add_commands(parser)
          parser.separator <<~TEXT

            Flags win over the environment (PORT, WEB_CONCURRENCY, RAILS_MAX_THREADS, APP_ENV or RACK_ENV), that
            wins over kino.rb, and kino.rb over the defaults. kino --init explains every setting's word there.
            INT or TERM finishes the requests that run and exits 0; a second one ends at once.
            --check exits 0 when the app runs in :ractor mode and 1 when it doesn't; hazards are warnings.
          TEXT
        end
      end

      def add_setting(parser, setting)
        return if setting.flags.empty?

        *short, long = setting.flags
        source = Configuration::Source.flag(long)
        flags = setting.flag? ? [*short, long] : [*short, "#{long} #{setting.kind.label}"]
        parser.on(*flags, *about(setting)) { |value| set(setting.name, value, source) }
      end

      # An address may be one of Puma's.
      def set(name, value, source)
        address, left_out = Configuration::PumaForms.address(value) if name == :bind
        if left_out && !left_out.empty?
          why = Configuration::PumaForms.unheeded(left_out)
          @settings.ignored << -"#{source.label(name)} #{value.inspect}: #{why}"
        end
        @settings.set(name, address || value, source)
      end

      def about(setting)
        return [setting.summary] if setting.flag?
        return [setting.summary, "(default #{setting.default_text}; may be repeated)"] if setting.name == :bind

        [setting.synopsis]
      end

      def add_commands(parser)
        config = ["configuration file; - for none", "(default kino.rb, then config/kino.rb)"]
        parser.on("-C", "--config FILE", *config) { |path| @config_path = path }
        parser.on("--dev-tls", "serve https://localhost with a certificate that signs itself,", "made once and kept") do
          @dev_tls = true
        end
        reload = ["in development: serve each request with the code as it is then,",
                  "by booting the app anew when a file has changed"]
        parser.on("--reload", *reload) { @reload = true }
        add_check(parser)
        parser.on("--full", "of restart: start another server, with a new Ruby or Kino, too") { @full = true }
        parser.on("--backtrace", "of requests: where each thread is, too") { @backtrace = true }
        parser.on("--init [FILE]", "write a kino.rb that explains every setting", "(- prints it), and exit") do |path|
          @task = :init
          @init_path = path || "kino.rb"
        end
        parser.on("--from-puma [FILE]", "print the kino.rb that a Puma configuration",
                  "makes (default config/puma.rb)") do |path|
          @task = :from_puma
          @puma_path = path || Configuration::Puma::PATH
        end
        parser.on("--completions SHELL", "print what has bash, zsh or fish complete kino's words") do |shell|
          @task = :completions
          @shell = Values.shell(shell)
        end
        parser.on("-v", "--version", "print the version and exit") { @task = :version }
        parser.on("-h", "--help", "print this and exit") { @task = :help }
      end

      def add_check(parser)
        parser.on("--check", "say whether the app can run in ractors, and what isn't safe with threads") do
          @task = :check
        end
        parser.on("--format FORMAT", "of a report: text or json (default text)") do |format|
          @checks << "--format #{format}"
          @format = Values.format(format)
        end
        parser.on("--request REQUEST", 'what it asks of the app (default "GET /")') do |request|
          @checks << "--request #{request.inspect}"
          @request = Values.request(request)
        end
      end

      # The command's words, or the app's file.
      def take_arguments(arguments)
        @command = arguments.first&.to_sym if Remote::COMMANDS.key?(arguments.first&.to_sym)
        return take_files(arguments) unless @command

        @task = @command unless @task == :help
        _, pid, *more = arguments
        allowed = OF_PROCESS.include?(@command) ? "one PID" : "nothing"
        more.unshift(pid) if pid && allowed == "nothing"
        raise ConfigurationError, "#{@command}: given #{more.join(" and ")} besides, allowed: #{allowed}" if more.any?

        @pid = Values.process_id(@command, pid) if pid
      end

      def refuse_needless
        raise ConfigurationError, "--reload: is for serving alone; write kino --reload" if @reload && @task != :serve

        raise ConfigurationError,
              "--full: is for restart alone; write kino restart --full" if @full && @task != :restart
        raise ConfigurationError, "--backtrace: is for requests alone; write kino requests --backtrace" if
          @backtrace && @task != :requests
        return if @checks.empty? || @task == :check
        return if REPORTS.include?(@task) && @checks.none? { |flag| flag.start_with?("--request ") }

        raise ConfigurationError, "#{@checks.first[/\S+/]}: is for --check alone; write " \
                                  "kino --check #{@checks.join(" ")}"
      end

      def parse(argv)
        argv.each { |word| refuse_bytes(word) unless word.valid_encoding? }
        @parser.parse(argv)
      rescue OptionParser::InvalidOption, OptionParser::AmbiguousOption => error
        raise ConfigurationError, unknown(error.args.first)
      rescue OptionParser::MissingArgument => error
        raise ConfigurationError, "#{error.args.first}: needs a value; see kino --help"
      rescue OptionParser::ParseError => error
        raise ConfigurationError, "#{error.message}; see kino --help"
      end

      # Such as a file's name where no language is set (LC_ALL, LANG), as in many containers.
      def refuse_bytes(word)
        raise ConfigurationError, "given #{word.dump}, which is no text in #{word.encoding}; write it in that, or " \
                                  "set LC_ALL=C.UTF-8 for names in UTF-8"
      end

      def unknown(argument)
        near = Nearest.to(argument[/\A[^=]+/], known_flags) if argument.start_with?("--")
        "#{argument}: there is no such option; #{near ? "did you mean #{near}?" : "see kino --help"}"
      end

      def known_flags = flags.map(&:long)

      # A word that is nearly a command was hardly meant as a file.
      def refuse_command(word)
        near = Nearest.to(word, Remote::COMMANDS.keys) if word.match?(/\A[a-z]+\z/i)
        return unless near

        raise ConfigurationError, "#{word}: there is no such command, and no such file; did you mean kino #{near}?"
      end

      def take_files(files)
        raise ConfigurationError, "given the files #{files.join(" and ")}, allowed: one" if files.size > 1

        refuse_command(files.first) unless files.empty? || File.exist?(files.first)
        files.each { |file| @settings.set(:rackup, file, Configuration::Source.argument) }
      end
    end
  end
end
