# frozen_string_literal: true

require "fileutils"
require "open3"

# Packages of Debian's that nothing is installed of: each is fetched once, into tmp/long, and unpacked there. Nothing
# that is theirs to run at an installation is, and nothing outside of that folder is touched.
class DebianPackages
  # They can't be had here; the message says why.
  class Missing < StandardError; end

  FOLDER = File.expand_path("../../tmp/long", __dir__)

  # @return [String] where they are unpacked, as if it were /
  attr_reader :root

  # @param name [String] what they are for
  # @param names [Array<String>] theirs
  # @raise [Missing]
  def initialize(name, names)
    raise Missing, "there is no apt-get and dpkg here to fetch Debian's #{name}" unless command?("apt-get", "dpkg")

    @root = File.join(FOLDER, name)
    @archives = File.join(FOLDER, "archives")
    FileUtils.mkdir_p([@root, @archives])
    # What isn't Ruby's is to be found in that folder.
    wanted = names.reject { |package| package.start_with?("ruby-") && installed?(package) }
    fetch(wanted.reject { |package| archive(package) })
    wanted.each { |package| unpack(package) }
  end

  # @return [Hash{String => String}] what has Ruby find their gems, beside those that it finds anyway
  def ruby_environment
    shared = "#{@root}/usr/share/rubygems-integration/all"
    native = Dir.glob("#{@root}/usr/lib/*/rubygems-integration/*")
    libraries = Dir.glob("#{@root}/usr/lib/{ruby/vendor_ruby,*/ruby/vendor_ruby/#{RbConfig::CONFIG["ruby_version"]}}")
    { "GEM_PATH" => [*Gem.path, shared, *native].join(":"),
      "RUBYLIB" => [*libraries, *ENV["RUBYLIB"]].join(":") }
  end

  private

  def command?(*names)
    names.all? { |name| ENV["PATH"].split(":").any? { |folder| File.executable?(File.join(folder, name)) } }
  end

  def installed?(package)
    out, = Open3.capture2e("dpkg-query", "--show", "--showformat", "${Status}", package)
    out.end_with?(" installed")
  end

  def unpack(package)
    done = File.join(@root, ".#{package}")
    return if File.exist?(done)

    run("dpkg", "--extract", archive(package), @root)
    FileUtils.touch(done)
  end

  def archive(package) = Dir.glob("#{@archives}/#{package}_*.deb").max_by { |path| File.mtime(path) }

  # The newest there are, whatever the system would rather have.
  def fetch(packages)
    return if packages.empty?

    listed, = Open3.capture2e("apt-cache", "madison", *packages)
    newest = listed.scan(/^\s*(\S+) \|\s*(\S+)\s*\|/).reverse.to_h
    missing = packages - newest.keys
    raise Missing, "no source of Debian's here has #{missing.join(", ")} (apt-get update?)" if missing.any?

    run("apt-get", "download", *newest.slice(*packages).map { |pair| pair.join("=") })
  end

  def run(*command)
    out, status = Open3.capture2e({ "LC_ALL" => "C.UTF-8" }, *command, chdir: @archives)
    status.success? || raise(Missing, "#{command.first(2).join(" ")} has failed: #{out.lines.last&.strip}")
  end
end
