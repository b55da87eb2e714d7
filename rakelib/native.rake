# frozen_string_literal: true

# Gems that are compiled already. In rb-sys' images (RUBY_CC_VERSION is set there) rake-compiler makes those of all
# platforms, with a library for each Ruby: `rb-sys-dock --platform aarch64-linux --ruby-versions 3.3,3.4,4.0 --build`.
# `rake gem:native` makes that of this machine and this Ruby, with what `rake compile` has made.
require_relative "native_gem"

namespace :gem do
  desc "Build the gem of this machine and this Ruby, which is installed without Rust: pkg/kino-VERSION-PLATFORM.gem"
  task native: :compile do
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
