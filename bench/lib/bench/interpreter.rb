# frozen_string_literal: true

require "open3"
require "rbconfig"
require_relative "problem"

module Bench
  # The Ruby that serves, which need not be the one that measures: how scripts are started on it.
  #
  # @!attribute path [String] the program
  # @!attribute yjit [Boolean] whether it compiles
  # @!attribute load [Array<String>] folders for -I; where there are any, or gems, the checkout's bundle is left out
  # @!attribute gems [String, nil] GEM_PATH
  # @!attribute puma [Array<String>] more folders for -I, for Puma alone
  Interpreter = Data.define(:path, :yjit, :load, :gems, :puma) do
    def initialize(path: RbConfig.ruby, yjit: false, load: [], gems: nil, puma: [])
      folders = [load, puma].map { |all| all.map { |folder| File.expand_path(folder) } }
      super(path: File.expand_path(path), yjit: yjit, load: folders.first, gems: gems, puma: folders.last)
    end

    # Adds the options that describe one.
    # @param options [OptionParser]
    # @param settings [Hash] which gets what they were given
    def self.options(options, settings)
      options.on("--ruby PATH", "the Ruby that serves (default: this one)") { |path| settings[:path] = path }
      options.on("--[no-]yjit", "with YJIT (default: without)") { |on| settings[:yjit] = on }
      options.on("--load DIR", "a folder for its -I, instead of the bundle; may be repeated") do |folder|
        (settings[:load] ||= []) << folder
      end
      options.on("--gems DIR", "its GEM_PATH, instead of the bundle") { |folders| settings[:gems] = folders }
      options.on("--puma-load DIR", "a folder for -I where its Puma is; may be repeated") do |folder|
        (settings[:puma] ||= []) << folder
      end
    end

    # `env` becomes the Ruby it starts, so that no process of its own is counted. A Ruby without YJIT ignores the
    # variable, {#check} doesn't.
    # @return [Array<String>] a command line, to which a script and its arguments may be added
    def command
      [*environment, path, *(["-rbundler/setup"] if bundled?), *folders(load.empty? ? [File.join(ROOT, "lib")] : load)]
    end

    # @return [Array<String>] a command line for Puma, to which its arguments may be added
    def puma_command
      [*command, *folders(puma), "-rpuma/cli", "-e", "Puma::CLI.new(ARGV).run", "--"]
    end

    # @raise [Problem] when it can't be run as it should, or can't serve with Kino
    def check
      raise Problem, "no Ruby can be run as #{path}; write --ruby with the path of one" unless File.executable?(path)
      if yjit && ask("puts RubyVM::YJIT.enabled?") != "true"
        raise Problem, "#{path} was built without YJIT; leave --yjit out, or name another Ruby"
      end

      errors, status = Open3.capture2e(*command, "-e", "require 'kino'; Kino::Server", chdir: ROOT)
      return if status.success?

      raise Problem, "#{path} can't load Kino: compile it with that Ruby, or say with --load and --gems where the " \
                     "extension and the gems for it are:\n#{errors[0, 400]}"
    end

    # @return [Boolean] whether that Ruby can run Puma
    def puma?
      !puma_version.nil?
    end

    # @return [String, nil]
    def puma_version
      ask("puts Puma::Const::PUMA_VERSION", *folders(puma), "-rpuma/cli")
    end

    # @return [String, nil]
    def rack_version
      ask("puts Rack.release", "-rrack")
    end

    # @return [String] such as "4.0.5"
    def version
      ask("puts RUBY_VERSION")
    end

    # @return [String] such as "4.0.5 with YJIT"
    def to_s
      "#{version} #{yjit ? "with" : "without"} YJIT"
    end

    # @return [Boolean] whether the gems are those of the checkout's bundle
    def bundled?
      load.empty? && gems.nil?
    end

    private

    def environment
      yjit_as_asked = "RUBY_YJIT_ENABLE=#{yjit ? 1 : 0}"
      return ["env", "-u", "RUBYOPT", "-u", "RUBYLIB", yjit_as_asked] if bundled?

      bundlers = ENV.keys.grep(/\ABUNDLE/) | ["BUNDLE_GEMFILE"]
      gem_path = "GEM_PATH=#{gems}" if gems
      ["env", *["RUBYOPT", "RUBYLIB", *bundlers].flat_map { |name| ["-u", name] }, yjit_as_asked, *gem_path]
    end

    def folders(names)
      names.flat_map { |name| ["-I", name] }
    end

    # @return [String, nil] the last line a script printed; nil when it failed
    def ask(script, *options)
      answer, status = Open3.capture2(*command, *options, "-e", script, err: File::NULL, chdir: ROOT)
      answer.lines.last&.chomp if status.success?
    end
  end
end
