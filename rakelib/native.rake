# frozen_string_literal: true

# Gems that are compiled already. In rb-sys' images (RUBY_CC_VERSION is set there) rake-compiler makes those of all
# platforms, with a library for each Ruby: `rb-sys-dock --platform aarch64-linux --ruby-versions 3.3,3.4,4.0 --build`.
# `rake gem:native` makes that of this machine and this Ruby, with what `rake compile` has made.
module NativeGem
  module_function

  # What a gem of that platform is, besides its libraries: nothing of it is compiled, so neither sources nor what
  # compiles them are needed.
  def strip(spec)
    spec.extensions = []
    spec.files -= spec.files.grep(%r{\A(ext/|Cargo\.)})
    spec.dependencies.reject! { |dependency| dependency.name == "rb_sys" }
    spec
  end

  # This machine's, for the Ruby at hand.
  def local
    minor = RUBY_VERSION[/\A\d+\.\d+/]
    strip(Gem::Specification.load("kino.gemspec").dup).tap do |spec|
      spec.platform = Gem::Platform.local.to_s.sub(/-gnu\z/, "")
      spec.required_ruby_version = "~> #{minor}.0"
      spec.files += ["lib/kino/#{minor}/kino.#{RbConfig::CONFIG["DLEXT"]}"]
    end
  end

  # Builds it, where its files lie as they do in the gem.
  def build(folder = "pkg")
    spec, target = local, File.expand_path(folder)
    Dir.mktmpdir do |copy|
      library = spec.files.last
      (spec.files - [library]).each { |file| place(file, File.join(copy, file)) }
      place("lib/kino/#{File.basename(library)}", File.join(copy, library))
      FileUtils.mkdir_p(target)
      Dir.chdir(copy) { Gem::Package.build(spec, false, false, File.join(target, spec.file_name)) }
    end
    File.join(target, spec.file_name)
  end

  def place(from, to)
    FileUtils.mkdir_p(File.dirname(to))
    FileUtils.cp(from, to)
  end
  private_class_method :place
end

namespace :gem do
  desc "Build the gem of this machine and this Ruby, which is installed without Rust: pkg/kino-VERSION-PLATFORM.gem"
  task native: :compile do
    require "rubygems/package"
    require "tmpdir"
    puts NativeGem.build
  end
end

if ENV["RUBY_CC_VERSION"]
  require "rb_sys/extensiontask"

  RbSys::ExtensionTask.new("kino", Gem::Specification.load("kino.gemspec")) do |extension|
    extension.lib_dir = "lib/kino"
    extension.ext_dir = "ext/kino"
    extension.cross_compiling { |spec| NativeGem.strip(spec) }
  end
end

desc "Write what is in a compiled gem, with versions, licences and checksums: pkg/kino-VERSION.cdx.json (CycloneDX)"
task :sbom do
  require_relative "sbom"
  spec = Gem::Specification.load("kino.gemspec")
  mkdir_p "pkg", verbose: false
  Sbom.write(path = "pkg/kino-#{spec.version}.cdx.json")
  puts path
end
