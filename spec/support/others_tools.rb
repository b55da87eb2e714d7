# frozen_string_literal: true

require "open3"

# Clients and scanners that others have made, for examples that show what they say of a server.
module OthersTools
  # Runs a tool, and answers what it says; without it there is nothing to show.
  def ask_by(tool, *arguments)
    found = ENV["PATH"].split(":").any? { |folder| File.executable?(File.join(folder, tool)) }
    skip "#{tool} is not installed" unless found

    said, status = Open3.capture2e(tool, *arguments)
    expect(status).to be_success, said
    said
  end
end
