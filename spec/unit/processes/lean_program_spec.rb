# frozen_string_literal: true

require "kino"
require "open3"

RSpec.describe "The parent's own program" do
  # All constants that the program's code names, in all that it loads, and that are not there.
  missing = <<~'RUBY'
    lib, extension = ARGV
    require "#{lib}/errors"
    require extension
    program = "#{lib}/processes/lean_program.rb"
    needs = File.read(program).scan(/^require_relative "(.+)"/).flatten
    needs.each { |name| require File.expand_path(name, File.dirname(program)) }
    modules = ObjectSpace.each_object(Module).select { |one| one.name.to_s.match?(/\A(Kino|Object\z)/) }
    named = lambda do |code|
      next [] unless code.is_a?(Array)

      own = code.first == :opt_getconstant_path ? [code[1].find { |name| name != :"" }] : []
      own + code.flat_map { |part| named.call(part.is_a?(Hash) ? part.to_a : part) }
    end
    files = [program, *$LOADED_FEATURES.grep(/\A#{Regexp.escape(lib)}.*\.rb\z/)]
    print files.flat_map { |file|
      needed = File.read(file).scan(/^ +require(?:_relative)? "(.+)"/).flatten # by then
      names = named.call(RubyVM::InstructionSequence.compile_file(file).to_a).uniq
      names.reject { |name| needed.include?(name.to_s.downcase) || modules.any? { |one| one.const_defined?(name) } }
           .map { |name| "#{File.basename(file)}: #{name}" }
    }.join(" ")
  RUBY

  # What checks addresses that somebody writes, and what asks first whether there is such a thing.
  elsewhere = "address.rb: Kinds address.rb: BindParameters rackup_process.rb: Rackup rackup_process.rb: Rails"

  it "has all constants that its code comes to, without RubyGems" do
    extension = $LOADED_FEATURES.grep(%r{/kino\.#{RbConfig::CONFIG.fetch("DLEXT")}\z}).first
    lib = File.expand_path("../../../lib/kino", __dir__)
    told, status = Open3.capture2e({ "RUBYOPT" => nil }, RbConfig.ruby, "--disable=all", "-e", missing, lib, extension)

    expect([told, status.success?]).to eq([elsewhere, true])
  end
end
