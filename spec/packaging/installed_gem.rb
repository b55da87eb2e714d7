# frozen_string_literal: true

require "fileutils"
require "open3"
require "rubygems/package"
require "tmpdir"

# Kino as a user gets it: the gem built from this checkout, installed into a GEM_HOME of its own in a temporary folder.
# The commands run from there, without Bundler, so that nothing but the gem's own files can serve.
class InstalledGem
  CHECKOUT = File.expand_path("../..", __dir__)

  attr_reader :folder, :home

  def initialize
    @folder = Dir.mktmpdir("kino-gem")
    @home = File.join(folder, "home")
  end

  def build
    run("gem", "build", "kino.gemspec", "--output", package, chdir: CHECKOUT)
    self
  end

  def install
    reuse_built_dependencies
    run("gem", "install", "--local", "--no-document", "--bindir", File.join(home, "bin"), package)
    self
  end

  def package = File.join(folder, "kino.gem")

  def files = Gem::Package.new(package).contents

  def command(name) = File.join(home, "bin", name)

  # The environment for a command that should find the installed gem, and its dependencies where this run has them.
  def environment
    bundler = ENV.keys.grep(/\ABUNDLE|\ARUBY(OPT|LIB)\z/).to_h { |name| [name, nil] }
    bundler.merge("GEM_HOME" => home, "GEM_PATH" => [home, *Gem.path].join(File::PATH_SEPARATOR),
                  "CARGO_BUILD_BUILD_DIR" => build_folder)
  end

  def remove = FileUtils.rm_rf(folder)

  private

  # A copy of what the checkout compiled spares compiling the crates Kino depends on. Kino's own two are compiled from
  # the gem's sources all the same: to cargo, a crate in another folder is another crate.
  def reuse_built_dependencies
    built = File.join(CHECKOUT, "target", "release")
    return unless File.directory?(built)

    FileUtils.mkdir_p(build_folder)
    run("cp", "-a", built, build_folder)
  end

  def build_folder = File.join(folder, "build")

  def run(*command, chdir: folder)
    output, status = Open3.capture2e(environment, *command, chdir: chdir)
    raise "#{command.join(" ")} failed:\n#{output}" unless status.success?
  end
end
