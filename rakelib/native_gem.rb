# frozen_string_literal: true

require "fileutils"
require "rubygems/package"
require "tmpdir"

# A gem that is compiled already.
module NativeGem
  ROOT = File.expand_path("..", __dir__)
  EXTENSION = RbConfig::CONFIG["DLEXT"]
  private_constant :ROOT, :EXTENSION

  module_function

  # What a gem of some platform is, besides its libraries: nothing of it is compiled, so neither sources nor what
  # compiles them are needed.
  def strip(spec)
    spec.extensions = []
    spec.files -= spec.files.grep(%r{\A(ext/|Cargo\.)})
    spec.dependencies.reject! { |dependency| dependency.name == "rb_sys" }
    spec
  end

  # Builds this machine's, for the Ruby at hand, of the library that `rake compile` has made.
  def build(folder = File.join(ROOT, "pkg"))
    spec = local
    package = File.join(File.expand_path(folder), spec.file_name)
    FileUtils.mkdir_p(File.dirname(package))
    Dir.mktmpdir do |copy|
      spec.files.each { |file| place(source(file), File.join(copy, file)) }
      Gem::DefaultUserInteraction.use_ui(Gem::SilentUI.new) do
        Dir.chdir(copy) { Gem::Package.build(spec, false, false, package) }
      end
    end
    package
  end

  def local
    minor = RUBY_VERSION[/\A\d+\.\d+/]
    strip(Dir.chdir(ROOT) { Gem::Specification.load("kino.gemspec").dup }).tap do |spec|
      spec.platform = Gem::Platform.local
      spec.required_ruby_version = "~> #{minor}.0"
      spec.files += ["lib/kino/#{minor}/kino.#{EXTENSION}"]
    end
  end

  # In a checkout there is one library alone.
  def source(file) = File.join(ROOT, file.end_with?(".#{EXTENSION}") ? "lib/kino/kino.#{EXTENSION}" : file)

  def place(from, to)
    FileUtils.mkdir_p(File.dirname(to))
    FileUtils.cp(from, to)
  end

  private_class_method :local, :source, :place
end
