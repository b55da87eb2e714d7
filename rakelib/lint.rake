# frozen_string_literal: true

desc "Run every linter: rustfmt, clippy, ruby -wc, bash -n, RBS signatures, YARD coverage"
task :lint do
  # Each on its own, so that one run tells all there is to mend.
  failed = %w[lint:rust lint:ruby lint:shell lint:rbs lint:yard].reject do |lane|
    sh(RbConfig.ruby, "-S", "rake", "--silent", lane, verbose: false) { |passed,| passed }
  end
  abort "lint: #{failed.join(", ")} failed" unless failed.empty?
  puts "lint: all passed"
end

namespace :lint do
  desc "cargo fmt --check, and clippy with warnings as errors, on both crates"
  task :rust do
    Lint.need_cargo_component("fmt", "rustfmt")
    Lint.need_cargo_component("clippy", "clippy")
    sh "cargo", "fmt", "--all", "--check"
    sh "cargo", "clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"
  end

  desc "ruby -wc on every Ruby file, and the house's first line and line length"
  task :ruby do
    files = Lint.ruby_files
    faults = files.flat_map { |file| Lint.ruby_faults(file) }
    abort faults.join("\n") unless faults.empty?
    puts "ruby -wc: #{files.size} files, no warnings"
  end

  desc "bash -n on every script"
  task :shell do
    files = Lint.shell_files
    files.each { |file| sh "bash", "-n", file, verbose: false }
    puts "bash -n: #{files.size} files, no errors"
  end

  desc "Validate the signatures in sig/"
  task :rbs do
    sh Lint.rbs_command, "-r", "socket", "-I", "sig", "validate", verbose: false
    puts "rbs validate: sig/ is valid"
  end

  desc "Every public class, module, method and constant in lib/ is documented"
  task :yard do
    report = IO.popen(%w[yard stats --list-undoc --no-cache --no-save --no-progress lib/**/*.rb], err: %i[child out],
                                                                                                   &:read)
    puts report
    abort "YARD: lib/ is not documented in full, or yard warned; see above" unless Lint.yard_clean?(report)
  end
end

# What the tasks above ask, kept apart from what they do.
module Lint
  FIRST_LINE = "# frozen_string_literal: true"
  LONGEST_LINE = 120
  RUBY_FILES = %w[Gemfile Rakefile kino.gemspec exe/* {lib,spec,rakelib,examples,bench}/**/*.{rb,ru,rake}
                  ext/*/*.rb].freeze

  module_function

  def ruby_files
    Dir.glob(RUBY_FILES).select { |file| File.file?(file) }
  end

  def shell_files
    Dir.glob("{bin,.ci,bench}/**/*").select { |file| File.file?(file) && File.open(file, &:gets)&.match?(/\A#!.*bash/) }
  end

  def ruby_faults(file)
    verdict = IO.popen([RbConfig.ruby, "--disable=gems", "-wc", file], err: %i[child out], &:read)
    faults = verdict == "Syntax OK\n" ? [] : [verdict]
    lines = File.readlines(file, chomp: true)
    lines.shift if lines.first&.start_with?("#!")
    faults << "#{file}:1: the first line must be `#{FIRST_LINE}`" unless lines.first == FIRST_LINE
    long = lines.each_index.select { |index| lines[index].size > LONGEST_LINE }
    faults + long.map { |index| "#{file}: a line has more than #{LONGEST_LINE} characters: #{lines[index]}" }
  end

  # Debian names the command after the Ruby it belongs to.
  def rbs_command
    names = ["rbs", "rbs#{RUBY_VERSION[/\A\d+\.\d+/]}"]
    names.find { |name| ENV["PATH"].split(":").any? { |folder| File.executable?(File.join(folder, name)) } } ||
      abort("rbs is missing; bin/setup brings it")
  end

  def yard_clean?(report)
    report.include?("100.00% documented") && !report.include?("[warn]")
  end

  def need_cargo_component(command, component)
    return if system("cargo", command, "--version", out: File::NULL, err: File::NULL)

    abort "cargo #{command} is missing; bring it with: rustup component add #{component}"
  end
end
